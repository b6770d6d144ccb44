<?php

namespace Transmit\Plain;

use Transmit\Deadline;

/**
 * A user's own directory in a buffer directory, for locks and counts that the user's processes share. In a directory
 * where everybody may write, another user may have taken its name, but cannot create a directory that this user owns.
 * buffer/state.go does the same.
 */
final class OwnDirectory
{
    private const NAME = '.transmit-state-';

    /** The longest search among other users' names while a profile waits. */
    public const BRIEF_US = 3000;

    /** @return string|null its path; null: it cannot be created, or was not found in $maxUs (0: no limit) */
    public static function in(string $parent, int $maxUs = 0): ?string
    {
        $first = $parent . '/' . self::NAME . Directory::user();
        if (self::isOwn($first)) {
            return $first;
        }
        if (lstat($first) === false) { // on a PHP with threads, mkdir() follows a dangling link
            mkdir($first, 0700);
        }
        if (self::isOwn($first)) {
            return $first;
        }
        if (lstat($first) === false) {
            return null;
        }
        // Another user has taken the name, so it gets a longer one. All processes use the smallest of these names.
        $smallest = self::smallest($first, $maxUs, $isWhole);
        if ($smallest === null && $isWhole && mkdir("$first-" . bin2hex(random_bytes(8)), 0700)) {
            $smallest = self::smallest($first, $maxUs, $isWhole);
        }
        return $smallest;
    }

    /** @return string|null as in(), but without creating it: null also if it does not exist */
    public static function find(string $parent, int $maxUs = 0): ?string
    {
        $first = $parent . '/' . self::NAME . Directory::user();
        return self::isOwn($first) ? $first : self::smallest($first, $maxUs, $isWhole);
    }

    /** @param bool|null $isWhole set to whether all names were read */
    private static function smallest(string $first, int $maxUs, ?bool &$isWhole): ?string
    {
        $prefix = basename($first) . '-';
        $smallest = null;
        $seen = 0;
        $until = Deadline::after(Deadline::now(), $maxUs);
        $isOver = false;
        $handle = opendir(dirname($first));
        while ($handle !== false && !$isOver && ($name = readdir($handle)) !== false) {
            $isOver = $maxUs > 0 && ++$seen % 256 === 0 && $until->isOver();
            $path = dirname($first) . "/$name";
            $isFirst = strncmp($name, $prefix, strlen($prefix)) === 0 && ($smallest === null || $path < $smallest);
            if ($isFirst && self::isOwn($path)) {
                $smallest = $path;
            }
        }
        if ($handle !== false) {
            closedir($handle);
        }
        $isWhole = $handle !== false && !$isOver;
        return $smallest;
    }

    /** Whether it is a directory of this user that no other user may write to. */
    public static function isOwn(string $path): bool
    {
        clearstatcache();
        $stat = lstat($path);
        return $stat !== false && ($stat['mode'] & 0170022) === 0040000 && $stat['uid'] === Directory::user();
    }
}
