<?php

namespace Transmit\Plain;

/**
 * RLIMIT_FSIZE: the kernel sends SIGXFSZ to a process that writes past it, which ends the process.
 */
final class FileSize
{
    /** Whether this process may write a file of so many bytes. It is read each time, because the limit can change. */
    public static function allows(int $bytes): bool
    {
        $limit = self::limit();
        return !is_numeric($limit) || $bytes <= (float) $limit;
    }

    /** @return int|string a number of bytes, or a word: there is no limit, or it is not known */
    private static function limit()
    {
        if (function_exists('posix_getrlimit')) {
            return posix_getrlimit()['soft filesize'] ?? 'unknown';
        }
        $limits = is_readable('/proc/self/limits') ? (string) file_get_contents('/proc/self/limits') : '';
        return preg_match('/^Max file size\s+(\S+)/m', $limits, $match) === 1 ? $match[1] : 'unknown';
    }
}
