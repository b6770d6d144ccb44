<?php

namespace Transmit;

/**
 * What the address of a Unix socket can hold (unix(7)).
 */
final class SocketPath
{
    public const MAX_LENGTH = 107;

    /** Why no socket can have this path; "" if one can. */
    public static function problem(string $path): string
    {
        if ($path === '') {
            return 'the socket path is empty';
        }
        if (strpos($path, "\0") !== false) {
            return 'the socket path has a NUL byte in it';
        }
        $length = strlen($path);
        return $length > self::MAX_LENGTH ? "the socket path has $length bytes, at most 107 are possible: $path" : '';
    }
}
