<?php

namespace Transmit;

/**
 * A small file in which all workers of one user keep a word between requests.
 */
final class Stamp
{
    /** @var resource open and locked */
    private $file;

    /** @param resource $file */
    private function __construct($file)
    {
        $this->file = $file;
    }

    /** @return self|null null: it cannot be had here, or another worker holds it now */
    public static function open(string $directory, string $name): ?self
    {
        $user = Directory::user();
        $path = "$directory/.transmit-$name-$user";
        if (!Directory::isTrusted($directory)) {
            return null;
        }
        $stat = Directory::file($path);
        if ($stat !== null && ($stat['uid'] !== $user || $stat['nlink'] !== 1)) {
            return null;
        }
        // "x" follows no link that somebody puts here meanwhile; ours nobody else can replace.
        $file = fopen($path, $stat === null ? 'x+' : 'r+');
        return $file !== false && flock($file, LOCK_EX | LOCK_NB) ? new self($file) : null;
    }

    public function read(): string
    {
        return (string) stream_get_contents($this->file, 64, 0);
    }

    /** Releases it, too. */
    public function write(string $text): void
    {
        ftruncate($this->file, 0);
        rewind($this->file);
        fwrite($this->file, $text);
        fclose($this->file);
    }
}
