<?php

namespace Transmit;

/**
 * PHP's open_basedir, for files that PHP opens. Preloaded\Scope applies the same rule to the library.
 *
 * Sockets are exempt, as they are in PHP: open_basedir does not apply to its socket functions.
 */
final class OpenBasedir
{
    public static function isOn(): bool
    {
        return !self::isPhps('ini_get') || ini_get('open_basedir') !== '';
    }

    /** Whether this is there, and PHP may use it. */
    public static function allows(string $path): bool
    {
        return self::resolve($path) !== null;
    }

    /** @return string|null its path without links; null: it is not there, or PHP may not use it */
    public static function resolve(string $path): ?string
    {
        $real = self::isPhps('realpath') ? realpath($path) : false;
        return is_string($real) ? $real : null; // null: PHP 7.4, disabled
    }

    /** A page can define a function that disable_functions has removed. */
    private static function isPhps(string $function): bool
    {
        try {
            return (new \ReflectionFunction($function))->isInternal();
        } catch (\Throwable $e) {
            return false;
        }
    }
}
