<?php

declare(strict_types=1);

namespace Transmit\Preloaded;

use function is_array;
use function is_string;
use function strlen;

/**
 * The functions of libtransmit.so, bound by FFI::scope. With ffi.enable=preload, only this class may use FFI;
 * preload.php has the rules for it. Native calls it, or Cdef\Functions where every script may use FFI.
 *
 * No parameter is declared string: PHP would make one of an object, and free that here. Each string goes with its own
 * strlen. buffer_dirs are resolved by open_basedir, whatever a page gives.
 */
final class Scope
{
    /** What the library gets instead of no directory; its message then says why. */
    public const NO_DIRECTORY = '/dev/null/outside-open_basedir';

    /** TRANSMIT_EINVAL */
    private const REFUSED = -1;

    /** Read at once: the library keeps it for the next request, which may be another site's. */
    private static string $lastError = '';

    /** @throws \FFI\Exception there is no scope, or no right to use it; so do all of these */
    public static function abiVersion(): int
    {
        return \FFI::scope('TRANSMIT')->transmit_abi_version();
    }

    public static function version(): string
    {
        return \FFI::scope('TRANSMIT')->transmit_version();
    }

    /**
     * As transmit_try_send.
     *
     * @param string $json
     * @param string $path
     * @param string $meta
     */
    public static function trySend($json, int $flags, $path, $meta, int $maxDatagramSize): int
    {
        if (!is_string($json) || !is_string($path) || !is_string($meta)) {
            return self::REFUSED;
        }
        return \FFI::scope('TRANSMIT')
            ->transmit_try_send($json, strlen($json), $flags, $path, $meta, $maxDatagramSize);
    }

    /**
     * With these settings, so that nothing goes where another virtual host of the worker wanted it.
     *
     * @param string $json
     * @param string|null $path
     * @param string $settings JSON
     * @return int|null null: the library does not take the settings
     */
    public static function send($json, int $flags, $path, int $timeoutUs, $settings): ?int
    {
        if (!is_string($json) || ($path !== null && !is_string($path)) || self::configure($settings) !== 0) {
            return null;
        }
        $ffi = \FFI::scope('TRANSMIT');
        $result = $ffi->transmit_send_with($json, strlen($json), $flags, $path, $timeoutUs);
        self::$lastError = $result === 0 ? '' : $ffi->transmit_last_error();
        return $result;
    }

    /**
     * @param string $settings JSON
     * @return int|null null: the library does not take the settings
     */
    public static function replay(int $maxFiles, int $budgetUs, $settings): ?int
    {
        if (self::configure($settings) !== 0) {
            return null;
        }
        $ffi = \FFI::scope('TRANSMIT');
        $sent = $ffi->transmit_replay($maxFiles, $budgetUs);
        self::$lastError = $ffi->transmit_last_error();
        return $sent;
    }

    /**
     * The same settings again cost a comparison.
     *
     * @param string $settings JSON
     */
    public static function configure($settings): int
    {
        $json = self::restrict($settings);
        $ffi = \FFI::scope('TRANSMIT');
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
     * @param string $path
     * @return int lines left out since the last one; -1: not now
     */
    public static function logDue(int $result, $path): int
    {
        return is_string($path) ? \FFI::scope('TRANSMIT')->transmit_log_due_for($result, $path) : self::REFUSED;
    }

    /** As JSON: see transmit.h. */
    public static function stats(): string
    {
        return \FFI::scope('TRANSMIT')->transmit_stats();
    }

    /**
     * realpath() decides: it is PHP's own check, follows links, and a page cannot take its place with a stream wrapper.
     * The library follows no link then: a page can exchange one later.
     *
     * @param string $settings
     * @throws \ReflectionException|\JsonException a function is disabled; it is no JSON
     */
    private static function restrict($settings): string
    {
        if (!is_string($settings) || $settings === '' || !self::isPhps('json_decode') || !self::isPhps('json_encode')) {
            return '';
        }
        $plain = \json_decode($settings, true, 8, \JSON_THROW_ON_ERROR); // no json_last_error() then
        if (!is_array($plain) || !is_array($plain['buffer_dirs'] ?? null)) {
            return '';
        }
        if (!is_string($plain['listener_socket'] ?? null)) {
            return ''; // the library would keep that of the request before, of another site
        }
        $isOn = !self::isPhps('ini_get') || \ini_get('open_basedir') !== '';
        $allowed = [];
        foreach ($plain['buffer_dirs'] as $directory) {
            if ($isOn) {
                $directory = is_string($directory) && self::isPhps('realpath') ? \realpath($directory) : null;
            }
            if (is_string($directory)) {
                $allowed[] = $directory;
            }
        }
        $plain['buffer_dirs'] = $allowed === [] ? [self::NO_DIRECTORY] : $allowed;
        $plain['buffer_links'] = !$isOn;
        return \json_encode($plain, \JSON_UNESCAPED_SLASHES | \JSON_THROW_ON_ERROR);
    }

    /**
     * A page can define a function that disable_functions has removed.
     *
     * @param string $function
     */
    private static function isPhps($function): bool
    {
        return (new \ReflectionFunction($function))->isInternal();
    }
}
