<?php

declare(strict_types=1);

namespace Transmit\Preloaded;

use function is_string;
use function strlen;

/**
 * The functions of libtransmit.so, bound by FFI::scope. With ffi.enable=preload, only this class may use FFI.
 * preload.php has the rules for it. Native calls it, or Cdef\Functions if every script may use FFI.
 *
 * No parameter is declared string, because PHP would convert an object to a string, and free that here. Each string is
 * passed with its own strlen(). Whatever a page passes, buffer_dirs are limited by open_basedir.
 */
final class Scope
{
    /** Passed to the library if no directory is allowed: its error message then says so. */
    public const NO_DIRECTORY = '/dev/null/outside-open_basedir';

    /** TRANSMIT_EINVAL */
    private const REFUSED = -1;

    /**
     * Returns $settings with those buffer_dirs that open_basedir allows; "": $settings are not valid. realpath()
     * decides, because it applies open_basedir, follows links, and no stream wrapper of a page can replace it. The
     * library then follows no links, because a page could replace one later. isInternal() is checked because a page can
     * define a function that disable_functions has removed.
     *
     * It is evaluated, and so has no right to use FFI: arrays and objects may start PHP's garbage collection, which
     * frees values of the page. It throws ReflectionException if a function is disabled, and JsonException.
     */
    private const RESTRICT = <<<'PHP'
        return (static function (string $settings): string {
            $isPhps = static function (string $function): bool {
                return (new \ReflectionFunction($function))->isInternal();
            };
            if ($settings === '' || !$isPhps('json_decode') || !$isPhps('json_encode')) {
                return '';
            }
            $plain = (array) \json_decode($settings, true, 3, \JSON_THROW_ON_ERROR);
            if (!isset($plain['buffer_dirs'], $plain['listener_socket'])) {
                return ''; // the library would keep the values of the last request, of another site
            }
            $isOn = !$isPhps('ini_get') || \ini_get('open_basedir') !== '';
            $allowed = [];
            foreach ((array) $plain['buffer_dirs'] as $directory) {
                if ($directory !== (string) $directory) {
                    continue;
                }
                $real = $isOn ? ($isPhps('realpath') ? \realpath($directory) : false) : $directory;
                if ($real !== false) {
                    $allowed[] = $real;
                }
            }
            $plain['buffer_dirs'] = $allowed ?: [\Transmit\Preloaded\Scope::NO_DIRECTORY];
            $plain['buffer_links'] = !$isOn;
            return \json_encode($plain, \JSON_UNESCAPED_SLASHES | \JSON_THROW_ON_ERROR);
        })($settings);
        PHP;

    /** Read after each call, because the library keeps its text for the next request, which may be another site's. */
    private static string $lastError = '';

    /** @throws \FFI\Exception there is no scope, or no right to use it. All methods below throw it, too. */
    public static function abiVersion(): int
    {
        return \FFI::scope('TRANSMIT')->transmit_abi_version();
    }

    public static function version(): string
    {
        return \FFI::scope('TRANSMIT')->transmit_version();
    }

    /**
     * Calls transmit_try_send.
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
     * Calls transmit_send_configured.
     *
     * @param string $json
     * @param string|null $path
     * @param string $settings JSON
     */
    public static function send($json, int $flags, $path, int $timeoutUs, $settings): int
    {
        if (!is_string($json) || ($path !== null && !is_string($path)) || !is_string($settings)) {
            return self::REFUSED;
        }
        $allowed = eval(self::RESTRICT);
        $answer = \FFI::scope('TRANSMIT')->transmit_send_configured(
            $allowed,
            strlen($allowed),
            $json,
            strlen($json),
            $flags,
            $path,
            $timeoutUs
        );
        self::$lastError = $answer === 0 ? '' : \FFI::scope('TRANSMIT')->transmit_last_error();
        return $answer;
    }

    /**
     * @param string $settings JSON
     * @return int|null null: the library does not take the settings
     */
    public static function replay(int $maxFiles, int $budgetUs, $settings): ?int
    {
        if (!is_string($settings) || self::configure($settings) !== 0) {
            return null;
        }
        $sent = \FFI::scope('TRANSMIT')->transmit_replay($maxFiles, $budgetUs);
        self::$lastError = \FFI::scope('TRANSMIT')->transmit_last_error();
        return $sent;
    }

    /**
     * Passes the settings to the library. If they are the same as before, it only compares them.
     *
     * @param string $settings JSON
     */
    public static function configure($settings): int
    {
        if (!is_string($settings)) {
            return self::REFUSED;
        }
        $json = eval(self::RESTRICT);
        $result = \FFI::scope('TRANSMIT')->transmit_configure($json, strlen($json));
        self::$lastError = $result === 0 ? '' : \FFI::scope('TRANSMIT')->transmit_last_error();
        return $result;
    }

    /** transmit_last_error() after the last call of this request. */
    public static function lastError(): string
    {
        return self::$lastError;
    }

    /**
     * Calls transmit_log_due_for.
     *
     * @param string $path
     * @return int the number of lines that were left out since the last one; -1: no line is due
     */
    public static function logDue(int $result, $path): int
    {
        return is_string($path) ? \FFI::scope('TRANSMIT')->transmit_log_due_for($result, $path) : self::REFUSED;
    }

    /** Calls transmit_stats, which returns JSON. */
    public static function stats(): string
    {
        return \FFI::scope('TRANSMIT')->transmit_stats();
    }
}
