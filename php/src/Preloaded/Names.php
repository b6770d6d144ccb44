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
}
