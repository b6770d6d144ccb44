<?php

namespace Transmit;

/**
 * Tells which names are declared. It calls no function, because any may be disabled, also function_exists().
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

    /** Defines the constants of the pure-PHP transmitter, unless the application has. */
    public static function defineConstants(): void
    {
        try {
            defined('TRANSMIT_TIMEOUT_USEC') || define('TRANSMIT_TIMEOUT_USEC', 50000);
            defined('MAX_DATAGRAM_SIZE') || define('MAX_DATAGRAM_SIZE', 65507);
        } catch (\Error $e) {
            return; // defined() or define() is disabled
        }
    }
}
