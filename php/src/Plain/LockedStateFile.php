<?php

namespace Transmit\Plain;

use Transmit\Deadline;

/**
 * A small locked file in which all workers of one user share a text between requests.
 */
final class LockedStateFile
{
    private const LENGTH = 144;

    /** No call holds a lock for longer than this. */
    private const STUCK_SECONDS = 60;

    /** If no worker has written for longer, wait() does not wait: the one that has the lock is stopped. */
    private const IN_USE_SECONDS = 1;

    private const PAUSE_US = 1000;

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
     * @param int $bytes the largest file that the caller will write
     * @return self|null null: the directory cannot have it, or RLIMIT_FSIZE is less than $bytes
     */
    public static function open(string $directory, string $name, int $bytes = self::LENGTH): ?self
    {
        $path = "$directory/.transmit-$name-" . Directory::user();
        return Directory::isTrusted($directory) ? self::in($path, $bytes) : null;
    }

    /** Waits for the lock, while other workers use the file one after the other. */
    public function wait(Deadline $until): void
    {
        while (!$this->isLocked && abs($this->age()) <= self::IN_USE_SECONDS && !$until->isOver()) {
            usleep(self::PAUSE_US);
            $this->isLocked = flock($this->file, LOCK_EX | LOCK_NB);
        }
    }

    /**
     * Whether the file is locked for longer than any call needs: by a stopped process, or by a child that has inherited
     * it. It returns true to one process in STUCK_SECONDS.
     */
    public function isStuck(): bool
    {
        return !$this->isLocked && $this->age() > self::STUCK_SECONDS && touch($this->path);
    }

    /** Seconds since the last write. */
    private function age(): int
    {
        return time() - (Directory::file($this->path)['mtime'] ?? time());
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

    private static function in(string $path, int $bytes = self::LENGTH): ?self
    {
        if (!FileSize::allows($bytes)) {
            return null;
        }
        if (lstat($path) === false) {
            self::create($path);
        }
        $stat = Directory::file($path);
        if ($stat === null || $stat['uid'] !== Directory::user() || $stat['nlink'] !== 1) {
            return null;
        }
        $file = fopen($path, 'r+'); // no other user can replace it here
        return $file === false ? null : new self($path, $file);
    }

    /** Never replaces a file: another process may hold its lock. Only this user can make a link in the directory. */
    private static function create(string $path): void
    {
        $file = fopen($path, 'x');
        if ($file !== false) {
            fclose($file);
            chmod($path, 0600);
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
