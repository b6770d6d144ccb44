<?php

namespace Transmit;

use function hrtime;
use function strlen;

/**
 * libtransmit.so through FFI.
 *
 * This class is preloaded, and every page can reach what is private in it, by reflection or a bound closure. So under
 * ffi.enable=preload the FFI object exists only in a local variable of one call, and each string goes with its own
 * strlen. What needs more of FFI than FFI::scope is in Cdef/, which is never preloaded. tests/php/PreloadTest.php
 * holds this.
 */
final class Native
{
    /** As in transmit.h. */
    public const ABI_VERSION = 1;
    public const TRUSTED = 1;
    public const AS_IS = 2;
    public const TO_DISK = 4;
    public const SHRUNK = 8;
    public const NO_WAIT = 16;

    /** @var \FFI|null from Cdef/, where all scripts may use FFI; null: FFI::scope has the library */
    private static $cdef = null;

    /** Why the library is not used; null: it is. */
    private static ?string $why = null;

    /** @var array{string|null}|null the setting for which that was decided */
    private static ?array $decidedFor = null;

    /** Why the last call of this request did not send; read at once, for the library keeps it for the next request. */
    private static string $lastError = '';

    /** Whether the library can be used here. Decided once per request. */
    public static function isUsable(Settings $settings): bool
    {
        if (self::$decidedFor !== [$settings->library]) {
            self::$decidedFor = [$settings->library];
            self::$cdef = null;
            try {
                self::$why = self::bind($settings->library);
            } catch (\Error $e) {
                self::$why = 'a function or class that the library needs is disabled: ' . $e->getMessage();
            }
        }
        return self::$why === null;
    }

    /** Why it cannot be used, and what to do about it; "" if it can. */
    public static function why(): string
    {
        return self::$why ?? '';
    }

    /** Whether it can be used, and takes these settings. */
    public static function isReady(Settings $settings): bool
    {
        return self::configure($settings) === 0;
    }

    /**
     * Sends one encoded profile. Raises no warning.
     *
     * @param string|null $socketPath without a NUL byte; null: the settings' own
     * @param int $start hrtime(true), when the application called
     * @return int a Result
     */
    public static function send(string $json, int $flags, ?string $socketPath, Settings $settings, int $start): int
    {
        if (self::configure($settings) !== 0) {
            return Result::EPANIC; // plain PHP may be able to do it
        }
        $leftUs = $settings->timeoutUs + (int) (($start - hrtime(true)) / 1000);
        $timeoutUs = $leftUs > 0 ? $leftUs : 1;
        try {
            $ffi = self::$cdef ?? \FFI::scope('TRANSMIT');
            $result = $ffi->transmit_send_with($json, strlen($json), $flags, $socketPath, $timeoutUs);
            self::$lastError = $result === Result::SENT ? '' : $ffi->transmit_last_error();
            return $result;
        } catch (\FFI\Exception $e) {
            return Result::EPANIC;
        }
    }

    /**
     * One attempt to send that starts nothing and needs no settings in the library: transmit_try_send.
     *
     * @param string $socketPath without a NUL byte
     * @param string $meta what "_meta" has between its time and its version
     * @return bool whether the socket took it
     */
    public static function trySend(
        string $json,
        int $flags,
        string $socketPath,
        Settings $settings,
        string $meta
    ): bool {
        if (self::$decidedFor !== [$settings->library]) {
            self::isUsable($settings);
        }
        if (self::$why !== null) {
            return false;
        }
        try {
            return (self::$cdef ?? \FFI::scope('TRANSMIT'))->transmit_try_send(
                $json,
                strlen($json),
                $flags,
                $socketPath,
                $meta,
                $settings->maxDatagramSize
            ) === Result::SENT;
        } catch (\FFI\Exception $e) {
            return false;
        }
    }

    /** Why the last profile of this request is not at the listener, in the library's words; "" without it. */
    public static function lastError(): string
    {
        return self::$lastError;
    }

    /**
     * Sends what is in the disk buffer.
     *
     * @return array{int, string} how many, or a Result below 0; why not all
     */
    public static function replay(int $maxFiles, int $budgetUs, Settings $settings): array
    {
        if (!self::isReady($settings)) {
            return [Result::EPANIC, ''];
        }
        $maxFiles = \min($maxFiles, 0xFFFFFFFF);
        $budgetUs = \min($budgetUs, 0xFFFFFFFF);
        try {
            $ffi = self::$cdef ?? \FFI::scope('TRANSMIT');
            $sent = $ffi->transmit_replay($maxFiles, $budgetUs);
            return [$sent, self::$lastError = $ffi->transmit_last_error()];
        } catch (\FFI\Exception $e) {
            return [Result::EPANIC, $e->getMessage()];
        }
    }

    /** @return int|false|null lines left out since the last one; null: not now; false: the library does not say */
    public static function logDue(int $result, Settings $settings)
    {
        if (!self::isUsable($settings)) {
            return false;
        }
        try {
            $ffi = self::$cdef ?? \FFI::scope('TRANSMIT');
            $suppressed = $ffi->new('uint32_t');
            $due = $ffi->transmit_log_due($result, \FFI::addr($suppressed));
        } catch (\FFI\Exception $e) {
            return false;
        }
        return $due < 0 ? false : ($due === 1 ? $suppressed->cdata : null);
    }

    /** As JSON: see transmit.h. */
    public static function stats(Settings $settings): string
    {
        return self::isUsable($settings) ? (self::$cdef ?? \FFI::scope('TRANSMIT'))->transmit_stats() : '';
    }

    public static function version(Settings $settings): string
    {
        return self::isUsable($settings) ? (self::$cdef ?? \FFI::scope('TRANSMIT'))->transmit_version() : '';
    }

    /**
     * All keys, so that two virtual hosts in one worker do not inherit each other's. Before each call: a note that they
     * are there already would be a page's to change. The same ones again cost a comparison. Starts the library.
     *
     * @return int 0, or why it cannot be used here
     */
    public static function configure(Settings $settings): int
    {
        if (!self::isUsable($settings)) {
            return Result::EPANIC;
        }
        $json = $settings->forLibrary();
        try {
            $ffi = self::$cdef ?? \FFI::scope('TRANSMIT');
            $result = $ffi->transmit_configure($json, strlen($json));
            self::$lastError = $result === 0 ? '' : $ffi->transmit_last_error();
            return $result;
        } catch (\FFI\Exception $e) {
            return Result::EPANIC;
        }
    }

    /** @return string|null why not; null: it is there */
    private static function bind(?string $library): ?string
    {
        if ($library === '') {
            return 'the setting "library" is empty: the library is not to be used';
        }
        if (!extension_loaded('FFI')) {
            return 'PHP has no extension FFI: install and enable it (Debian: phpenmod ffi)';
        }
        try {
            $version = \FFI::scope('TRANSMIT')->transmit_abi_version();
        } catch (\FFI\Exception $e) {
            $bound = include __DIR__ . '/Cdef/bind.php';
            if (!is_object($bound)) {
                return is_string($bound) ? $bound : 'open_basedir keeps PHP from ' . __DIR__ . '/Cdef: add that folder';
            }
            self::$cdef = $bound;
            $version = $bound->transmit_abi_version();
        }
        return $version === self::ABI_VERSION ? null : "the library does not fit these PHP files (its ABI version is"
            . " $version): install both from one release and restart PHP";
    }
}
