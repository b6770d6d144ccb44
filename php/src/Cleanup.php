<?php

namespace Transmit;

use Transmit\Plain\BufferFile;
use Transmit\Plain\Directory;
use Transmit\Plain\Tags;

/**
 * Removes old profiles of this listener, and the temporary files of writers that crashed.
 */
final class Cleanup
{
    /** Older temporary files are not in use, because a write takes milliseconds. */
    private const TEMPORARY_SECONDS = 60;

    public static function run(Settings $settings, int $maxAge): void
    {
        $directory = BufferDirectory::choose($settings->bufferDirs);
        if ($directory === null) {
            return;
        }
        $tags = Tags::read($directory, $settings->listenerSocket);
        Replay::recover($directory, $tags);
        $now = time();
        $maxAge = max($maxAge, -$now); // the difference must stay an integer
        foreach (BufferDirectory::names($directory) as $name) {
            if (strncmp($name, 'profile_', 8) === 0 || strncmp($name, 'bad_profile_', 12) === 0) {
                $isOurs = substr($name, -5) === '.json' && $tags->counts($name);
                $before = $isOurs ? $now - $maxAge : null;
            } else {
                $before = preg_match(BufferFile::TEMPORARY, $name) === 1 ? $now - self::TEMPORARY_SECONDS : null;
            }
            if ($before !== null && self::isOlder("$directory/$name", $before)) {
                unlink("$directory/$name");
            }
        }
    }

    /** Whether the file is older. False if this user does not own it. */
    private static function isOlder(string $path, int $before): bool
    {
        $stat = Directory::ownFile($path);
        return $stat !== null && $stat['mtime'] < $before;
    }
}
