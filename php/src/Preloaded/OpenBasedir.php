<?php

declare(strict_types=1);

namespace Transmit\Preloaded;

use function is_string;

/**
 * PHP's open_basedir for the library, which opens files without PHP.
 *
 * realpath() decides: it is PHP's own check, follows links, and a page cannot take its place with a stream wrapper. The
 * library gets what it returns, and follows no links (buffer_links): a page can exchange them later.
 * Sockets are not concerned: open_basedir does not hold for PHP's own socket functions either.
 */
final class OpenBasedir
{
    /** What the library gets instead of no directory; its message then says why. */
    private const NONE = '/dev/null/outside-open_basedir';

    /**
     * @param array<mixed> $directories
     * @return list<string> those that PHP may use, which are there, without links; never empty
     */
    public static function filter(array $directories): array
    {
        $isOn = self::isOn();
        $allowed = [];
        foreach ($directories as $directory) {
            $path = $isOn && is_string($directory) ? self::resolve($directory) : $directory;
            if (is_string($path)) {
                $allowed[] = $path;
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
        return self::resolve($path) !== null;
    }

    /** @return string|null its path without links; null: it is not there, or PHP may not use it */
    public static function resolve(string $path): ?string
    {
        $real = self::isPhps('realpath') ? \realpath($path) : false;
        return is_string($real) ? $real : null; // null: PHP 7.4, disabled
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
