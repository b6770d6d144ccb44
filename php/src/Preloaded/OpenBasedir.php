<?php

namespace Transmit\Preloaded;

use function is_string;

/**
 * PHP's open_basedir for the library, which opens files without PHP.
 *
 * realpath() decides: it is PHP's own check, follows links, and a page cannot take its place with a stream wrapper.
 * Sockets are not concerned: open_basedir does not hold for PHP's own socket functions either.
 */
final class OpenBasedir
{
    /** What the library gets instead of no directory; its message then says why. */
    private const NONE = '/dev/null/outside-open_basedir';

    /**
     * @param array<mixed> $directories
     * @return list<string> those that PHP may use, which are there; never empty
     */
    public static function filter(array $directories): array
    {
        $isOn = self::isOn();
        $allowed = [];
        foreach ($directories as $directory) {
            if (is_string($directory) && (!$isOn || self::allows($directory))) {
                $allowed[] = $directory;
            }
        }
        return $allowed === [] ? [self::NONE] : $allowed;
    }

    public static function isOn(): bool
    {
        return !self::isPhps('ini_get') || \ini_get('open_basedir') !== '';
    }

    /** Whether this is there, and PHP may use it. */
    public static function allows(string $path): bool
    {
        return self::isPhps('realpath') && is_string(\realpath($path)); // null: PHP 7.4, disabled
    }

    /** A page can define a function that disable_functions has removed. */
    public static function isPhps(string $function): bool
    {
        try {
            return (new \ReflectionFunction($function))->isInternal();
        } catch (\Throwable $e) {
            return false;
        }
    }
}
