<?php

namespace Transmit;

/**
 * PHP's open_basedir, for files that PHP opens. Preloaded\Scope applies the same rule to the library.
 *
 * Sockets are exempt, as they are in PHP: open_basedir does not apply to its socket functions.
 */
final class OpenBasedir
{
    /** @var array<string, bool> isPhps() by function */
    private static $arePhps = [];

    public static function isOn(): bool
    {
        return !self::isPhps('ini_get') || ini_get('open_basedir') !== '';
    }

    /** Whether the path exists, and open_basedir allows it. */
    public static function allows(string $path): bool
    {
        return self::resolve($path) !== null;
    }

    /** @return string|null the path without links; null: it does not exist, or open_basedir forbids it */
    public static function resolve(string $path): ?string
    {
        $real = self::isPhps('realpath') ? realpath($path) : false;
        return is_string($real) ? $real : null; // a disabled realpath() returns null on PHP 7.4
    }

    /** Whether it is PHP's own function: a page can define one that disable_functions has removed. */
    private static function isPhps(string $function): bool
    {
        try {
            return self::$arePhps[$function]
                ?? self::$arePhps[$function] = (new \ReflectionFunction($function))->isInternal();
        } catch (\Throwable $e) {
            return false;
        }
    }
}
