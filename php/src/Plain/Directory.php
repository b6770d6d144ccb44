<?php

namespace Transmit\Plain;

/**
 * Ownership and permission checks of directories and files: any user can write to /tmp.
 */
final class Directory
{
    private const TYPE = 0170000;
    private const IS_FILE = 0100000;

    /** @var int|null */
    private static $user = null;

    /** Whether no other user can replace our files in this directory, or a part of its path. */
    public static function isTrusted(string $path): bool
    {
        return self::distrust($path) === '';
    }

    /** Why it is not trusted; "" if it is. The texts are the same as in buffer/directory.go. */
    public static function distrust(string $path): string
    {
        return TrustedPath::examine($path)[1];
    }

    /** Whether other users may create files in it. */
    public static function isShared(string $path): bool
    {
        clearstatcache();
        $stat = lstat($path);
        return $stat === false || $stat['uid'] !== self::user() || ($stat['mode'] & 0022) !== 0;
    }

    /** Whether this process may create files in it. is_writable() checks the real user, but the effective one counts. */
    public static function isWritable(string $path): bool
    {
        if (!function_exists('posix_getuid') || posix_getuid() === posix_geteuid()) {
            return is_writable($path);
        }
        clearstatcache();
        $stat = stat($path);
        if ($stat === false || posix_geteuid() === 0) {
            return $stat !== false;
        }
        $isOfGroup = in_array($stat['gid'], array_merge([posix_getegid()], posix_getgroups() ?: []), true);
        $bits = $stat['uid'] === posix_geteuid() ? $stat['mode'] >> 6 : $stat['mode'] >> ($isOfGroup ? 3 : 0);
        return ($bits & 3) === 3; // write and search
    }

    /** @return array<string, int>|null lstat() of a regular file; null: it is something else, or not there */
    public static function file(string $path): ?array
    {
        clearstatcache();
        $stat = lstat($path);
        return $stat !== false && ($stat['mode'] & self::TYPE) === self::IS_FILE ? $stat : null;
    }

    /** @return array<string, int>|null file() if this user owns it and it has one link: another user may have put it there */
    public static function ownFile(string $path, int $maxLinks = 1): ?array
    {
        $stat = self::file($path);
        return $stat !== null && $stat['uid'] === self::user() && $stat['nlink'] <= $maxLinks ? $stat : null;
    }

    /** The effective user: without ext-posix, the owner of a file that this process makes. */
    public static function user(): int
    {
        if (function_exists('posix_geteuid')) {
            return posix_geteuid();
        }
        self::$user = self::$user ?? fstat(tmpfile())['uid'];
        return self::$user;
    }
}
