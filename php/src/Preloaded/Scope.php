<?php

declare(strict_types=1);

namespace Transmit\Preloaded;

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

    /**
     * $settings with the buffer_dirs that open_basedir allows; "" if they are none. realpath() decides: it is PHP's own
     * check, follows links, and a page cannot take its place with a stream wrapper. The library follows no link then: a
     * page can exchange one later. A page can define a function that disable_functions has removed.
     *
     * Evaluated, so without the right to FFI: arrays and objects may start PHP's collection of cycles, which frees a
     * page's values. It throws ReflectionException where a function is disabled, and JsonException.
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
                return ''; // the library would keep those of the request before, of another site
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
        if (!is_string($json) || ($path !== null && !is_string($path)) || !is_string($settings)) {
            return null;
        }
        if (self::configure($settings) !== 0) {
            return null;
        }
        $result = \FFI::scope('TRANSMIT')->transmit_send_with($json, strlen($json), $flags, $path, $timeoutUs);
        self::$lastError = $result === 0 ? '' : \FFI::scope('TRANSMIT')->transmit_last_error();
        return $result;
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
     * The same settings again cost a comparison.
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
}
