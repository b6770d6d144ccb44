<?php

namespace Transmit\Status;

use Transmit\BufferDirectory;
use Transmit\Plain\BufferFile;
use Transmit\Plain\BufferLimits;
use Transmit\Plain\Directory;
use Transmit\Plain\Tags;

/**
 * The number and size of the profiles in the disk buffer, of this user and this listener.
 */
final class Backlog
{
    /** The size of further files is estimated. In a directory where other users may create files, each is checked. */
    private const MOST_MEASURED = 5000;

    /** The buffer directory in use; null: none can be used. */
    public ?string $directory;

    public int $files = 0;

    /** An estimate where there are more than MOST_MEASURED files. */
    public int $bytes = 0;

    /** When the oldest file was written, in Unix seconds; null: there is no file. */
    public ?int $since = null;

    public static function of(?string $directory, string $listener): self
    {
        $self = new self();
        $self->directory = $directory;
        if ($directory !== null) {
            $self->look(Tags::look($directory, $listener), Directory::isShared($directory));
        }
        return $self;
    }

    private function look(Tags $tags, bool $isShared): void
    {
        $oldest = '';
        $measured = 0;
        foreach (BufferDirectory::names($this->directory) as $name) {
            if (preg_match(BufferFile::FINISHED, $name) !== 1 || !$tags->counts($name)) {
                continue;
            }
            if ($isShared || $measured < self::MOST_MEASURED) {
                $size = Directory::ownFile("$this->directory/$name")['size'] ?? null;
                if ($size === null) {
                    continue; // another user's, or not a regular file
                }
                $measured++;
                $this->bytes = BufferLimits::sum($this->bytes, $size);
            }
            $this->files++;
            $oldest = $oldest === '' ? $name : min($oldest, $name); // the names begin with the time
        }
        $all = $this->bytes * max(1, $this->files / max(1, $measured));
        $this->bytes = $all < PHP_INT_MAX ? (int) $all : PHP_INT_MAX;
        $this->since = $oldest === '' ? null : Directory::file("$this->directory/$oldest")['mtime'] ?? time();
    }
}
