<?php

declare(strict_types=1);

namespace Transmit\Preloaded;

use function is_bool;
use function is_int;
use function is_string;
use function strlen;

/**
 * libtransmit.so, as FFI::scope gives it.
 *
 * Under ffi.enable=preload the FFI object exists only in one call, each string goes with its own
 * strlen, and buffer directories are those that open_basedir allows. preload.php says why.
 */
final class Scope
{
    /** Of the settings, what the library gets beside buffer_dirs. */
    private const KEYS = [
        'listener_socket', 'listener_user', 'timeout_us', 'max_datagram_size', 'oversize', 'replay', 'wait_for_disk',
        'buffer_max_bytes', 'buffer_max_files', 'php_version',
    ];

    /** @var object|null from Cdef/, where all scripts may use FFI; null: FFI::scope has the library */
    private static $cdef = null;

    /** Read at once: the library keeps it for the next request, which may be another site's. */
    private static string $lastError = '';

    /** @param object|null $cdef */
    public static function replaceBy($cdef): void
    {
        self::$cdef = $cdef;
    }

    /** @throws \FFI\Exception there is no scope, or no right to use it; so do all of these */
    public static function abiVersion(): int
    {
        return (self::$cdef ?? \FFI::scope('TRANSMIT'))->transmit_abi_version();
    }

    public static function version(): string
    {
        return (self::$cdef ?? \FFI::scope('TRANSMIT'))->transmit_version();
    }

    /** As transmit_try_send. */
    public static function trySend(string $json, int $flags, string $path, string $meta, int $maxDatagramSize): int
    {
        return (self::$cdef ?? \FFI::scope('TRANSMIT'))
            ->transmit_try_send($json, strlen($json), $flags, $path, $meta, $maxDatagramSize);
    }

    /**
     * With these settings, so that nothing goes where another virtual host of the worker wanted it.
     *
     * @param array<string, mixed> $settings
     * @return int|null null: the library does not take them
     */
    public static function send(string $json, int $flags, ?string $path, int $timeoutUs, array $settings): ?int
    {
        if (self::configure($settings) !== 0) {
            return null;
        }
        $ffi = self::$cdef ?? \FFI::scope('TRANSMIT');
        $result = $ffi->transmit_send_with($json, strlen($json), $flags, $path, $timeoutUs);
        self::$lastError = $result === 0 ? '' : $ffi->transmit_last_error();
        return $result;
    }

    /**
     * @param array<string, mixed> $settings
     * @return int|null null: the library does not take them
     */
    public static function replay(int $maxFiles, int $budgetUs, array $settings): ?int
    {
        if (self::configure($settings) !== 0) {
            return null;
        }
        $ffi = self::$cdef ?? \FFI::scope('TRANSMIT');
        $sent = $ffi->transmit_replay($maxFiles, $budgetUs);
        self::$lastError = $ffi->transmit_last_error();
        return $sent;
    }

    /**
     * The same settings again cost a comparison.
     *
     * @param array<string, mixed> $settings
     */
    public static function configure(array $settings): int
    {
        $json = self::encode($settings);
        $ffi = self::$cdef ?? \FFI::scope('TRANSMIT');
        $result = $ffi->transmit_configure($json, strlen($json));
        self::$lastError = $result === 0 ? '' : $ffi->transmit_last_error();
        return $result;
    }

    /** Why the last call of this request did not do it all, in the library's words. */
    public static function lastError(): string
    {
        return self::$lastError;
    }

    /**
     * About the listener at that path.
     *
     * @return int lines left out since the last one; -1: not now
     */
    public static function logDue(int $result, string $path): int
    {
        return (self::$cdef ?? \FFI::scope('TRANSMIT'))->transmit_log_due_for($result, $path);
    }

    /** As JSON: see transmit.h. */
    public static function stats(): string
    {
        return (self::$cdef ?? \FFI::scope('TRANSMIT'))->transmit_stats();
    }

    /**
     * A value of a page's may be an object or a reference, which changes after it was looked at: the result is made
     * of copies of plain values.
     *
     * @param array<string, mixed> $settings
     * @return string "" if they cannot be encoded: a path that is not UTF-8
     */
    private static function encode(array $settings): string
    {
        $plain = [
            'buffer_dirs' => OpenBasedir::filter($settings['buffer_dirs'] ?? []),
            'buffer_links' => !OpenBasedir::isOn(),
        ];
        foreach (self::KEYS as $key) {
            $value = $settings[$key] ?? null;
            if (is_string($value) || is_int($value) || is_bool($value)) {
                $plain[$key] = $value;
            }
        }
        if (!OpenBasedir::isPhps('json_encode')) {
            return '';
        }
        try {
            return \json_encode($plain, \JSON_UNESCAPED_SLASHES | \JSON_THROW_ON_ERROR); // no json_last_error() then
        } catch (\JsonException $e) {
            return '';
        }
    }
}
