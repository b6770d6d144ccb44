<?php

namespace Transmit;

/**
 * The usual way of a profile: one json_encode, and one call of the library, which starts nothing. If the socket does
 * not take it, a second call gives it to the library's Go part.
 *
 * ProfileSender sends what is large, deep or has objects, and LargeProfile what the library cannot send.
 */
final class TrySend
{
    /** These flags leave json_last_error() unchanged. ProfileSender sends values that they refuse. */
    private const FLAGS = JSON_UNESCAPED_SLASHES | JSON_INVALID_UTF8_SUBSTITUTE | JSON_THROW_ON_ERROR;

    /**
     * @param array<string, bool> $marks more for "_meta"
     * @param int $flags Native::NO_WAIT, or 0
     * @param int|null $start a result of Deadline::now(), from which the timeout counts; null: from now
     * @param Settings|null $settings those of this moment; null: it asks the application for them
     * @return int a Result; Native::NOT_CALLED: nothing has happened
     */
    public static function profile(
        array $data,
        array $marks = [],
        int $flags = 0,
        ?int $start = null,
        ?Settings $settings = null
    ): int {
        return self::guarded('send', [$data, $marks, $flags, $start], $settings);
    }

    /** Sends an encoded profile as it is. Returns whether the socket took it; else nothing has happened. */
    public static function encoded(string $json, string $socketPath): bool
    {
        return self::guarded('sendEncoded', [$json, $socketPath]) === Result::SENT;
    }

    /**
     * get_profiling_config() is the application's code, so it may warn or throw. Signal handlers may throw at any time.
     *
     * @param string $method of this class, which gets the settings and these arguments
     */
    private static function guarded(string $method, array $arguments, ?Settings $settings = null): int
    {
        $held = Signals::hold();
        try {
            if (!function_exists('restore_error_handler')) {
                return Native::NOT_CALLED; // disabled: our handler would stay
            }
            set_error_handler([self::class, 'ignore']);
            try {
                $settings = $settings ?? Settings::current();
                return self::isPossible($settings) ? self::$method($settings, ...$arguments) : Native::NOT_CALLED;
            } finally {
                restore_error_handler();
            }
        } catch (\Throwable $e) {
            return Native::NOT_CALLED; // it cannot be encoded, or a function that is needed is disabled
        } finally {
            if ($held) {
                Signals::release();
            }
        }
    }

    private static function send(Settings $settings, array $data, array $marks, int $flags, ?int $start): int
    {
        if (!Modest::is($data)) {
            return Native::NOT_CALLED;
        }
        if (\array_key_exists('_meta', $data)) {
            unset($data['_meta']);
        }
        $json = json_encode($data, self::FLAGS);
        $path = $settings->listenerSocket;
        if (!Native::isAway() && Native::trySend($json, Native::TRUSTED, $path, $settings, self::meta($marks))) {
            return Result::SENT;
        }
        return $marks === [] ? ProfileSender::sendPiece($json, $settings, $start, $flags) : Native::NOT_CALLED;
    }

    private static function sendEncoded(Settings $settings, string $json, string $path): int
    {
        $isSent = strpos($path, "\0") === false && Native::trySend($json, Native::AS_IS, $path, $settings, '');
        return $isSent ? Result::SENT : Native::NOT_CALLED;
    }

    /**
     * A replay and the check of listener_user need Go. With mbstring.func_overload, strlen() does not count bytes.
     */
    private static function isPossible(Settings $settings): bool
    {
        return $settings->replay === 'off' && $settings->listenerUser === null
            && (PHP_VERSION_ID >= 80000 || ((int) ini_get('mbstring.func_overload') & 2) === 0);
    }

    /**
     * @param array<string, bool> $marks
     * @return string members of "_meta" to put after its timestamp
     */
    private static function meta(array $marks): string
    {
        $meta = ',"php_version":"' . PHP_VERSION . '"';
        foreach ($marks as $name => $isSet) {
            $meta .= ",\"$name\":" . ($isSet ? 'true' : 'false');
        }
        return $meta;
    }

    /**
     * @internal an error handler
     *
     * @throws \Error on PHP 7.4, where a call of a disabled function only raises a warning: settings would be wrong
     */
    public static function ignore(int $level, string $message, string $file = ''): bool
    {
        if (PHP_VERSION_ID < 80000 && Quiet::isOurs($file)) {
            Quiet::throwIfDisabled($message);
        }
        return true;
    }
}
