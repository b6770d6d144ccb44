<?php

namespace Transmit\Plain;

/**
 * A small file in which all workers of one user keep a word between requests.
 */
final class Stamp
{
    private const LENGTH = 48;

    /** @var resource open and locked */
    private $file;

    /** @param resource $file */
    private function __construct($file)
    {
        $this->file = $file;
    }

    /**
     * @param bool $isBusy set to whether another worker holds it now
     * @return self|null null: that, or it cannot be had here
     */
    public static function open(string $directory, string $name, &$isBusy = false): ?self
    {
        $isBusy = false;
        $user = Directory::user();
        $path = "$directory/.transmit-$name-$user";
        if (!Directory::isTrusted($directory) || !FileSize::allows(self::LENGTH)) {
            return null;
        }
        if (!file_exists($path)) {
            self::create($directory, $path);
        }
        $stat = Directory::file($path);
        if ($stat === null || $stat['uid'] !== $user || $stat['nlink'] !== 1) {
            return null;
        }
        $file = fopen($path, 'r+'); // nobody else can replace it here
        $isBusy = $file !== false && !flock($file, LOCK_EX | LOCK_NB);
        return $file === false || $isBusy ? null : new self($file);
    }

    /** Not with fopen "x": PHP itself follows a link before it opens what the link leads to. */
    private static function create(string $directory, string $path): void
    {
        $temporary = tempnam($directory, '.transmit-');
        if ($temporary !== false) {
            link($temporary, $path);
            unlink($temporary);
        }
    }

    public function read(): string
    {
        return rtrim((string) stream_get_contents($this->file, self::LENGTH, 0));
    }

    /** Releases it, too. Always as long: after a truncation, ext4 writes the file out when it is closed. */
    public function write(string $text): void
    {
        rewind($this->file);
        fwrite($this->file, str_pad($text, self::LENGTH));
        fclose($this->file);
    }
}
