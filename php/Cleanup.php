<?php

namespace Transmit;

/**
 * Removes old profiles, and the temporary files of writers that crashed.
 */
final class Cleanup
{
    /** A write takes milliseconds. */
    private const TEMPORARY_SECONDS = 60;

    public static function run(Settings $settings, int $maxAge): void
    {
        $directory = BufferDirectory::choose($settings->bufferDirs);
        if ($directory !== null) {
            Replay::recover($directory);
        }
        foreach ($directory === null ? [] : BufferDirectory::names($directory) as $name) {
            $isOld = preg_match(BufferFile::FINISHED, $name) === 1 && self::isOlder("$directory/$name", $maxAge)
                || preg_match(BufferFile::TEMPORARY, $name) === 1
                    && self::isOlder("$directory/$name", self::TEMPORARY_SECONDS);
            if ($isOld) {
                unlink("$directory/$name");
            }
        }
    }

    /** Never true for what is not a regular file. */
    private static function isOlder(string $path, int $seconds): bool
    {
        $stat = Directory::file($path);
        return $stat !== null && time() - $stat['mtime'] > $seconds;
    }
}
