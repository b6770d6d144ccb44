<?php

namespace Transmit\Plain;

use Transmit\Settings;

/**
 * Where the PHP processes of one user share what they know: which listener not to wait for, what was logged when.
 *
 * A directory of this user's own, 0700, made in the temp directory, else in a buffer directory. Others may have
 * taken its name there before. Then it has a random one, and is found by listing.
 */
final class StateDirectory
{
    private const NAME = '.transmit-state-';

    /** A directory with more entries is not listed: that takes too long. */
    private const ENTRIES = 2000;

    /** @var array{string, string|null}|null the temp directory, and what was found */
    private static $found = null;

    public static function path(): ?string
    {
        $temp = sys_get_temp_dir();
        if (self::$found === null || self::$found[0] !== $temp || !self::isOwn((string) self::$found[1])) {
            self::$found = [$temp, self::find(array_merge([$temp], Settings::current()->bufferDirs))];
        }
        return self::$found[1];
    }

    /** @param list<string> $parents */
    private static function find(array $parents): ?string
    {
        $name = self::NAME . Directory::user();
        foreach ($parents as $parent) {
            if (self::isOwn("$parent/$name") || mkdir("$parent/$name", 0700)) {
                return "$parent/$name";
            }
        }
        foreach ($parents as $parent) {
            $path = self::search($parent, "$name-");
            if ($path !== null) {
                return $path;
            }
        }
        return null;
    }

    private static function search(string $parent, string $prefix): ?string
    {
        $entries = 0;
        $handle = opendir($parent);
        if ($handle === false) {
            return null;
        }
        while (($name = readdir($handle)) !== false && ++$entries <= self::ENTRIES) {
            if (strncmp($name, $prefix, strlen($prefix)) === 0 && self::isOwn("$parent/$name")) {
                closedir($handle);
                return "$parent/$name";
            }
        }
        closedir($handle);
        $path = "$parent/$prefix" . bin2hex(random_bytes(8));
        return $entries <= self::ENTRIES && mkdir($path, 0700) ? $path : null;
    }

    private static function isOwn(string $path): bool
    {
        clearstatcache();
        $stat = $path === '' ? false : lstat($path);
        return $stat !== false && ($stat['mode'] & 0170077) === 0040000 && $stat['uid'] === Directory::user();
    }
}
