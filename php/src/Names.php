<?php

namespace Transmit;

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

    /** Those of the pure-PHP transmitter, if the application has none of these names. */
    public static function defineConstants(): void
    {
        try {
            defined('TRANSMIT_TIMEOUT_USEC') || define('TRANSMIT_TIMEOUT_USEC', 50000);
            defined('MAX_DATAGRAM_SIZE') || define('MAX_DATAGRAM_SIZE', 65507);
        } catch (\Error $e) {
            return; // one of both functions is disabled
        }
    }
}
