<?php

namespace Transmit;

/**
 * One attempt to send that starts nothing: one json_encode and one call of the library.
 *
 * It returns false if the profile is large, deep or has objects, or if there is no library, no listener or no room in
 * the queue. Then nothing has happened, and ProfileSender sends the profile.
 */
final class TrySend
{
    /** These flags leave json_last_error() unchanged. ProfileSender sends values that they refuse. */
    private const FLAGS = JSON_UNESCAPED_SLASHES | JSON_INVALID_UTF8_SUBSTITUTE | JSON_THROW_ON_ERROR;

    /**
     * @param array<string, bool> $marks more for "_meta"
     * @param string|null $json what was encoded on the way, without "_meta"; null: nothing
     * @return bool whether the socket took it
     */
    public static function profile(array $data, array $marks = [], ?string &$json = null): bool
    {
        return self::attempt($data, $json, null, $marks);
    }

    /** Sends an encoded profile as it is. */
    public static function encoded(string $json, string $socketPath): bool
    {
        return self::attempt(null, $json, $socketPath, []);
    }

    /**
     * get_profiling_config() is the application's code, so it may warn or throw. Signal handlers may throw at any time.
     *
     * @param array|null $data null: $json
     * @param string|null $json what was encoded of $data
     * @param string|null $path null: the settings' own
     * @param array<string, bool> $marks
     */
    private static function attempt(?array $data, ?string &$json, ?string $path, array $marks): bool
    {
        $held = Signals::hold();
        try {
            if (!function_exists('restore_error_handler')) {
                return false; // disabled: our handler would stay
            }
            set_error_handler([self::class, 'ignore']);
            try {
                $settings = Settings::current();
                return self::isPossible($settings) && ($data === null
                    ? strpos($path, "\0") === false
                        && Native::trySend($json, Native::AS_IS, $path, $settings, '')
                    : Modest::is($data) && Native::trySend(
                        $json = self::encode($data),
                        Native::TRUSTED,
                        $settings->listenerSocket,
                        $settings,
                        self::meta($marks)
                    ));
            } finally {
                restore_error_handler();
            }
        } catch (\Throwable $e) {
            return false; // it cannot be encoded, or a function that is needed is disabled
        } finally {
            if ($held) {
                Signals::release();
            }
        }
    }

    private static function encode(array $data): string
    {
        if (\array_key_exists('_meta', $data)) {
            unset($data['_meta']);
        }
        return json_encode($data, self::FLAGS);
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
        if (PHP_VERSION_ID < 80000 && strncmp($file, __DIR__, \strlen(__DIR__)) === 0) {
            Quiet::throwIfDisabled($message);
        }
        return true;
    }
}
