<?php

namespace Transmit;

use Transmit\Plain\BufferFile;

use function strncmp;
use function substr;

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
        $now = time();
        foreach ($directory === null ? [] : BufferDirectory::names($directory) as $name) {
            if (strncmp($name, 'profile_', 8) === 0 || strncmp($name, 'bad_profile_', 12) === 0) {
                $before = substr($name, -5) === '.json' ? $now - $maxAge : null;
            } else {
                $before = preg_match(BufferFile::TEMPORARY, $name) === 1 ? $now - self::TEMPORARY_SECONDS : null;
            }
            if ($before !== null && self::isOlder("$directory/$name", $before)) {
                unlink("$directory/$name");
            }
        }
    }

    /** Never true for what is not a regular file. PHP remembers one path at a time: nothing is to be forgotten. */
    private static function isOlder(string $path, int $before): bool
    {
        $stat = lstat($path);
        return $stat !== false && ($stat['mode'] & 0170000) === 0100000 && $stat['mtime'] < $before;
    }
}
