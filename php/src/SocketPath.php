<?php

namespace Transmit;

/**
 * Checks whether a Unix socket can have a path (unix(7)).
 */
final class SocketPath
{
    public const MAX_LENGTH = 107;

    /** The same text as the library's. */
    public const RULE = 'wants an absolute path such as /run/x.sock, not relative, without a scheme'
        . ' (unix://, unixgram://) or @ before it';

    /** Why no socket can have this path; "" if one can. */
    public static function problem(string $path): string
    {
        if ($path === '') {
            return 'the socket path is empty';
        }
        if (strpos($path, "\0") !== false) {
            return 'the socket path has a NUL byte in it';
        }
        if ($path[0] !== '/') {
            return 'the listener ' . self::RULE . ", got $path";
        }
        $length = strlen($path);
        return $length > self::MAX_LENGTH ? "the socket path has $length bytes, at most 107 are possible: $path" : '';
    }
}
