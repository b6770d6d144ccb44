<?php

namespace Transmit;

/**
 * Delays the application's signal handlers while a profile is sent. Otherwise an exception of a handler would end the
 * send. Exceptions that handlers throw during these two functions reach the application.
 */
final class Signals
{
    /** @return bool whether this call delayed them: then the caller must call release() */
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
        } catch (\Throwable $e) { // thrown by a handler whose signal came just before
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
