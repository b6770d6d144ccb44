<?php

namespace Transmit;

use Transmit\Plain\BufferFile;
use Transmit\Plain\BufferLimits;
use Transmit\Plain\Directory;
use Transmit\Plain\Tags;

/**
 * Removes old profiles of this listener, those over the limits, and the temporary files of writers that crashed.
 */
final class Cleanup
{
    /** Older temporary files are not in use, because a write takes milliseconds. */
    private const TEMPORARY_SECONDS = 60;

    /** The most time to read a directory and to bring it within the limits. */
    private const REBUILD_US = 60000000;

    public static function run(Settings $settings, int $maxAge): void
    {
        foreach (BufferDirectory::inUse($settings) as $directory) {
            $tags = Tags::read($directory, $settings->listenerSocket);
            Replay::recover($directory, $tags);
            self::removeOld($directory, $tags, $maxAge);
            $deadline = Deadline::after(Deadline::now(), self::REBUILD_US);
            (new BufferLimits($directory, $tags, $settings, $deadline))->rebuild();
            foreach ($tags->state === null ? [] : BufferDirectory::names($tags->state) as $name) {
                if (strncmp($name, BufferFile::RESERVED, strlen(BufferFile::RESERVED)) === 0) {
                    self::removeIfOlder("$tags->state/$name", time() - self::TEMPORARY_SECONDS);
                }
            }
        }
    }

    private static function removeOld(string $directory, Tags $tags, int $maxAge): void
    {
        $now = time();
        $maxAge = max($maxAge, -$now); // the difference must stay an integer
        foreach (BufferDirectory::names($directory) as $name) {
            if (strncmp($name, 'profile_', 8) === 0 || strncmp($name, 'bad_profile_', 12) === 0) {
                $isOurs = substr($name, -5) === '.json' && $tags->counts($name);
                $isOurs && self::removeIfOlder("$directory/$name", $now - $maxAge);
            } elseif (preg_match(BufferFile::TEMPORARY, $name) === 1) {
                // A library that was killed between link() and unlink() leaves a file with both names.
                self::removeIfOlder("$directory/$name", $now - self::TEMPORARY_SECONDS, 2);
            }
        }
    }

    /** Removes the file, unless another user owns it or it has more links. */
    private static function removeIfOlder(string $path, int $before, int $maxLinks = 1): void
    {
        $stat = Directory::ownFile($path, $maxLinks);
        if ($stat !== null && $stat['mtime'] < $before) {
            unlink($path);
        }
    }
}
