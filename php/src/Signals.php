<?php

namespace Transmit;

/**
 * The application's signal handlers wait while a profile is sent: what one of them throws would end that half-way, and
 * be taken for ours. What they throw in these two functions is the application's.
 */
final class Signals
{
    /** @return bool whether they wait now, and did not before: then release() ends it */
    public static function hold(): bool
    {
        try {
            if (
                !function_exists('pcntl_signal_dispatch') || !function_exists('pcntl_async_signals')
                || !pcntl_async_signals()
            ) {
                return false;
            }
        } catch (\Error $e) {
            if ($e->getFile() === __FILE__) {
                return false; // a function is disabled
            }
            throw $e;
        }
        try {
            pcntl_async_signals(false);
        } catch (\Throwable $e) { // of a handler whose signal came just before
            pcntl_async_signals(true);
            throw $e;
        }
        return true;
    }

    public static function release(): void
    {
        pcntl_async_signals(true);
        pcntl_signal_dispatch();
    }
}
