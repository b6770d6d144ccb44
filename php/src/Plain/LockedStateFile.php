<?php

namespace Transmit\Plain;

/**
 * A small locked file in which all workers of one user share a text between requests.
 */
final class LockedStateFile
{
    private const LENGTH = 48;

    /** No call holds a lock for longer than this. */
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
     * @return self|null null: another worker holds it, or the directory cannot have it
     */
    public static function open(string $directory, string $name, &$isBusy = false): ?self
    {
        $state = Directory::isTrusted($directory) ? self::in(self::path($directory, $name)) : null;
        $isBusy = $state !== null && !$state->isLocked;
        return $state !== null && $state->isLocked ? $state : null;
    }

    /**
     * Whether the file is locked for longer than any call needs: by a stopped process, or by a child that has inherited
     * it. It returns true to one process in STUCK_SECONDS.
     */
    public static function isStuckIn(string $directory, string $name): bool
    {
        return self::isStuckAt(self::path($directory, $name));
    }

    /** The same for this file. */
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

    /** Opens a file of the user that does not depend on a buffer directory. Null: processes cannot share one. */
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

    /** With tempnam() and rename(), because PHP's fopen "x" and link() follow a link, also a dangling one. */
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

    /** Writes the text and releases the file. Its length never changes, because ext4 syncs truncated files at close. */
    public function write(string $text): void
    {
        if ($this->isLocked) {
            rewind($this->file);
            fwrite($this->file, str_pad($text, self::LENGTH));
        }
        fclose($this->file);
    }
}
