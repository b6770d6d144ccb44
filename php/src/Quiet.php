<?php

namespace Transmit;

/**
 * Runs work so that nothing of it reaches the application.
 *
 * "@" is not enough: it still calls the application's error handler, which may throw.
 */
final class Quiet
{
    /** @var string the last warning that was kept from the application */
    private static $lastWarning = '';

    /**
     * @param callable(): mixed $work
     * @param mixed $otherwise the result when $work throws, which is logged
     * @return mixed
     */
    public static function call(callable $work, $otherwise)
    {
        $held = self::holdSignals();
        set_error_handler([self::class, 'keepWarning']);
        try {
            // Not $work(): what a preloaded function calls itself may use FFI (ffi.enable=preload), FFI::cdef for one.
            return call_user_func($work);
        } catch (\Throwable $e) {
            return self::caught($e, $otherwise);
        } finally {
            restore_error_handler();
            if ($held) {
                self::releaseSignals();
            }
        }
    }

    /**
     * Makes the application's signal handlers wait: one that throws would end the work
     * half-way, and its exception would be taken for ours.
     *
     * @return bool whether they have to be released again
     */
    public static function holdSignals(): bool
    {
        $held = \function_exists('pcntl_async_signals') && pcntl_async_signals(false);
        if ($held) {
            pcntl_signal_dispatch();
        }
        return $held;
    }

    /** Runs the handlers that had to wait. What one of them throws is the application's. */
    public static function releaseSignals(): void
    {
        pcntl_async_signals(true);
        pcntl_signal_dispatch();
    }

    /**
     * @param mixed $otherwise the result of work that threw this
     * @return mixed the same
     */
    public static function caught(\Throwable $e, $otherwise)
    {
        Log::defect($e);
        return $otherwise;
    }

    /** The system's words of the last failed file or socket function, without the function's name. */
    public static function lastWarning(): string
    {
        return (string) preg_replace('/^\w+\(.*?\): /s', '', self::$lastWarning);
    }

    /** @internal the error handler */
    public static function keepWarning(int $level, string $message): bool
    {
        self::$lastWarning = $message;
        return true;
    }
}
