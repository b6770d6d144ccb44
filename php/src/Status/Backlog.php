<?php

namespace Transmit\Status;

use Transmit\BufferDirectory;
use Transmit\Plain\BufferFile;
use Transmit\Plain\Directory;

/**
 * What waits in the disk buffer now.
 */
final class Backlog
{
    /** More files are counted, but not measured one by one. */
    private const MOST_MEASURED = 5000;

    /** The directory in use; null: there is none that can be used. */
    public ?string $directory;

    public int $files = 0;

    /** An estimate where there are more than MOST_MEASURED files. */
    public int $bytes = 0;

    /** When the oldest was written, unix seconds; null: nothing waits. */
    public ?int $since = null;

    public static function of(?string $directory): self
    {
        $self = new self();
        $self->directory = $directory;
        $oldest = '';
        foreach ($directory === null ? [] : BufferDirectory::names($directory) as $name) {
            if (preg_match(BufferFile::FINISHED, $name) === 1) {
                $oldest = $oldest === '' ? $name : min($oldest, $name); // the names begin with the time
                $self->add("$directory/$name");
            }
        }
        $self->bytes = (int) ($self->bytes * max(1, $self->files / self::MOST_MEASURED));
        $self->since = $oldest === '' ? null : Directory::file("$directory/$oldest")['mtime'] ?? time();
        return $self;
    }

    private function add(string $path): void
    {
        if (++$this->files <= self::MOST_MEASURED) {
            $this->bytes += Directory::file($path)['size'] ?? 0;
        }
    }
}
