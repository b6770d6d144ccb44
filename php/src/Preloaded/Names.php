<?php

declare(strict_types=1);

namespace Transmit\Preloaded;

/**
 * Which names are the application's already. Any function may be disabled, function_exists() too: none is called.
 */
final class Names
{
    /** Whether no function has this name. */
    public static function isFree(string $function): bool
    {
        try {
            \Closure::fromCallable($function);
            return false;
        } catch (\TypeError $e) {
            return true;
        }
    }

    /** A constant, if there is none of that name. */
    public static function define(string $name, int $value): void
    {
        try {
            defined($name) || define($name, $value);
        } catch (\Error $e) {
            return; // one of both is disabled
        }
    }
}
