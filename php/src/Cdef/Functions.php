<?php

namespace Transmit\Cdef;

/**
 * Replaces Preloaded\Scope if every script may use FFI. It has the same functions, bound by FFI::cdef.
 */
final class Functions
{
    /** @var \FFI */
    private static $ffi;

    private static string $lastError = '';

    /** @param \FFI $ffi */
    public static function bind($ffi): void
    {
        self::$ffi = $ffi;
    }

    public static function abiVersion(): int
    {
        return self::$ffi->transmit_abi_version();
    }

    public static function version(): string
    {
        return self::$ffi->transmit_version();
    }

    public static function trySend(string $json, int $flags, string $path, string $meta, int $maxDatagramSize): int
    {
        return self::$ffi->transmit_try_send($json, strlen($json), $flags, $path, $meta, $maxDatagramSize);
    }

    public static function send(string $json, int $flags, ?string $path, int $timeoutUs, string $settings): int
    {
        $answer = self::$ffi->transmit_send_configured(
            $settings,
            strlen($settings),
            $json,
            strlen($json),
            $flags,
            $path,
            $timeoutUs
        );
        self::$lastError = $answer === 0 ? '' : self::$ffi->transmit_last_error();
        return $answer;
    }

    public static function replay(int $maxFiles, int $budgetUs, string $settings): ?int
    {
        if (self::configure($settings) !== 0) {
            return null;
        }
        $sent = self::$ffi->transmit_replay($maxFiles, $budgetUs);
        self::$lastError = self::$ffi->transmit_last_error();
        return $sent;
    }

    public static function configure(string $settings): int
    {
        $result = self::$ffi->transmit_configure($settings, strlen($settings));
        self::$lastError = $result === 0 ? '' : self::$ffi->transmit_last_error();
        return $result;
    }

    public static function lastError(): string
    {
        return self::$lastError;
    }

    public static function logDue(int $result, string $path): int
    {
        return self::$ffi->transmit_log_due_for($result, $path);
    }

    public static function stats(): string
    {
        return self::$ffi->transmit_stats();
    }
}
