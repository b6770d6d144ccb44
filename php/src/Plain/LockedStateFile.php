<?php

namespace Transmit\Plain;

/**
 * A small locked file in which all workers of one user share a text between requests.
 */
final class LockedStateFile
{
    private const LENGTH = 48;

    /** No call needs one for so long. */
    private const STUCK_SECONDS = 60;

    private string $path;

    /** @var resource */
    private $file;

    /** If false, another worker holds the file: its text can be read, but not written. */
    public bool $isLocked;

    /** @param resource $file */
    private function __construct(string $path, $file)
    {
        $this->path = $path;
        $this->file = $file;
        $this->isLocked = flock($file, LOCK_EX | LOCK_NB);
    }

    /**
     * @param bool $isBusy set to whether another worker holds it now
     * @return self|null null: that, or it cannot be had here
     */
    public static function open(string $directory, string $name, &$isBusy = false): ?self
    {
        $state = Directory::isTrusted($directory) ? self::in(self::path($directory, $name)) : null;
        $isBusy = $state !== null && !$state->isLocked;
        return $state !== null && $state->isLocked ? $state : null;
    }

    /**
     * Whether whoever holds it has not written for longer than anybody needs it: a process that is stopped, or a child
     * that has inherited it. True for one process in that time.
     */
    public static function isStuckIn(string $directory, string $name): bool
    {
        return self::isStuckAt(self::path($directory, $name));
    }

    /** The same of one that another process holds. */
    public function isStuck(): bool
    {
        return !$this->isLocked && self::isStuckAt($this->path);
    }

    private static function isStuckAt(string $path): bool
    {
        $isStuck = time() - (Directory::file($path)['mtime'] ?? time()) > self::STUCK_SECONDS;
        return $isStuck && touch($path);
    }

    private static function path(string $directory, string $name): string
    {
        return "$directory/.transmit-$name-" . Directory::user();
    }

    /** What is about the user, not about a buffer directory. Null: this process is on its own. */
    public static function ofUser(string $name): ?self
    {
        try {
            $directory = StateDirectory::path();
            return $directory === null ? null : self::in("$directory/$name");
        } catch (\Error $e) {
            return null; // disable_functions
        }
    }

    private static function in(string $path): ?self
    {
        if (!FileSize::allows(self::LENGTH)) {
            return null;
        }
        if (lstat($path) === false) {
            self::create(dirname($path), $path);
        }
        $stat = Directory::file($path);
        if ($stat === null || $stat['uid'] !== Directory::user() || $stat['nlink'] !== 1) {
            return null;
        }
        $file = fopen($path, 'r+'); // no other user can replace it here
        return $file === false ? null : new self($path, $file);
    }

    /** Not with fopen "x" or link(): PHP itself follows a link, also one that leads nowhere. */
    private static function create(string $directory, string $path): void
    {
        $temporary = tempnam($directory, '.transmit-');
        if ($temporary !== false && (dirname($temporary) !== $directory || !rename($temporary, $path))) {
            unlink($temporary);
        }
    }

    public function read(): string
    {
        return rtrim((string) stream_get_contents($this->file, self::LENGTH, 0));
    }

    /** Writes the text and releases the file. Its length never changes: after a truncation, ext4 syncs at the close. */
    public function write(string $text): void
    {
        if ($this->isLocked) {
            rewind($this->file);
            fwrite($this->file, str_pad($text, self::LENGTH));
        }
        fclose($this->file);
    }
}
