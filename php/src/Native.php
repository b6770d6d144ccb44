<?php

namespace Transmit;

use Transmit\Plain\TrustedPath;
use Transmit\Preloaded\Scope;

/**
 * Calls libtransmit.so with the settings of this request, and tells whether and why it cannot be used.
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
    public const ASK_LOG = 32;

    /** Returned instead of a Result: the library was not called. */
    public const NOT_CALLED = -100;

    /** The class that calls the library: Scope, or Cdef\Functions if every script may use FFI. */
    private static string $scope = Scope::class;

    /** Why the library is not used; null: it is. */
    private static ?string $why = null;

    /** @var array{string|null}|null the setting for which $why was decided */
    private static ?array $decidedFor = null;

    /** @var bool see isAway() */
    private static $isAway = false;

    /** Whether the library can be used here. Decided once per request. */
    public static function isUsable(Settings $settings): bool
    {
        if (self::$decidedFor !== [$settings->library]) {
            self::$decidedFor = [$settings->library];
            self::$scope = Scope::class;
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

    /**
     * Sends one encoded profile. Raises no warning.
     *
     * @param string|null $socketPath without a NUL byte; null: the settings' own
     * @param int|null $start Deadline::now(), when the application called; null: now
     * @return array{int, int|null} a Result, or NOT_CALLED: the library was not called; with the flag ASK_LOG, how many
     *     log lines were left out since the last one, null: none is due
     */
    public static function send(string $json, int $flags, ?string $socketPath, Settings $settings, ?int $start): array
    {
        if (!self::isUsable($settings)) {
            return [self::NOT_CALLED, null];
        }
        $forLibrary = self::settings($settings);
        $leftUs = $settings->timeoutUs - ($start === null ? 0 : (int) ((Deadline::now() - $start) / 1000));
        try {
            $answer = self::$scope::send($json, $flags, $socketPath, max($leftUs, 1), $forLibrary);
        } catch (\FFI\Exception | \ReflectionException | \JsonException $e) {
            $answer = self::NOT_CALLED;
        }
        $result = $answer << 32 >> 32;
        if (($flags & self::TO_DISK) === 0) {
            self::$isAway = $result > 0;
        }
        if ($result < 0 && $result >= Result::ETOOBIG) { // the settings are refused: no profile of ours is
            $result = self::NOT_CALLED;
        }
        return [$result, $answer < 1 << 32 ? null : ($answer >> 32) - 1];
    }

    /**
     * Calls transmit_try_send: one attempt that starts nothing and needs no settings in the library.
     *
     * @param string $socketPath without a NUL byte
     * @param string $meta members of "_meta" to put after its timestamp
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
            $result = self::$scope::trySend($json, $flags, $socketPath, $meta, $settings->maxDatagramSize);
            return $result === Result::SENT;
        } catch (\FFI\Exception | \ReflectionException | \JsonException $e) {
            return false;
        }
    }

    /** Whether the listener did not take the last profile of this request: send() makes an attempt by itself. */
    public static function isAway(): bool
    {
        return self::$isAway;
    }

    /** The library's text on why the last profile of this request was not sent; "" if none was passed to it. */
    public static function lastError(): string
    {
        return self::$scope::lastError();
    }

    /**
     * Sends what is in the disk buffer.
     *
     * @return array{int, string} how many were sent, or a Result below 0; why not all were sent
     */
    public static function replay(int $maxFiles, int $budgetUs, Settings $settings): array
    {
        if (!self::isUsable($settings)) {
            return [self::NOT_CALLED, ''];
        }
        try {
            [$maxFiles, $budgetUs] = [min($maxFiles, 0xFFFFFFFF), min($budgetUs, 0xFFFFFFFF)];
            $sent = self::$scope::replay($maxFiles, $budgetUs, self::settings($settings));
            return $sent === null ? [self::NOT_CALLED, ''] : [$sent, self::lastError()];
        } catch (\FFI\Exception | \ReflectionException | \JsonException $e) {
            return [self::NOT_CALLED, $e->getMessage()];
        }
    }

    /** @return int|false|null lines left out since the last one; null: none is due; false: the library was not called */
    public static function logDue(int $result, Settings $settings)
    {
        if (!self::isUsable($settings)) {
            return false;
        }
        try {
            $due = self::$scope::logDue($result, $settings->listenerSocket);
        } catch (\FFI\Exception | \ReflectionException | \JsonException $e) {
            return false;
        }
        return $due >= 0 ? $due : null;
    }

    /** transmit_stats, as JSON; "": the library cannot be used. */
    public static function stats(Settings $settings): string
    {
        return self::isUsable($settings) ? self::$scope::stats() : '';
    }

    public static function version(Settings $settings): string
    {
        return self::isUsable($settings) ? self::$scope::version() : '';
    }

    /**
     * Passes all settings to the library, so that it keeps none of another virtual host of this worker. Starts Go.
     *
     * @return int 0, or a Result: why the library cannot be used
     */
    public static function configure(Settings $settings): int
    {
        if (!self::isUsable($settings)) {
            return self::NOT_CALLED;
        }
        try {
            return self::$scope::configure(self::settings($settings));
        } catch (\FFI\Exception | \ReflectionException | \JsonException $e) {
            return self::NOT_CALLED;
        }
    }

    /** @return string JSON; "" if a path is not UTF-8: then plain PHP sends */
    private static function settings(Settings $settings): string
    {
        try {
            if (!OpenBasedir::isOn()) {
                return $settings->json();
            }
            $values = ['buffer_links' => false] + $settings->forLibrary();
            $values['buffer_dirs'] = self::directories($values['buffer_dirs']);
            return json_encode($values, JSON_UNESCAPED_SLASHES | JSON_THROW_ON_ERROR); // keeps json_last_error()
        } catch (\JsonException $e) {
            return '';
        }
    }

    /**
     * The directories that open_basedir allows, with links resolved. A link that another user may have made is refused.
     * PHP cannot tell a missing directory from one outside open_basedir, so this first tries to create it.
     *
     * @param list<string> $directories
     * @return list<string>
     */
    private static function directories(array $directories): array
    {
        $allowed = [];
        foreach ($directories as $directory) {
            OpenBasedir::allows($directory) || BufferDirectory::create($directory);
            $real = OpenBasedir::resolve($directory);
            $hasLinks = $real !== rtrim($directory, '/');
            if ($real !== null && (!$hasLinks || TrustedPath::examine($directory)[1] === '')) {
                $allowed[] = $real;
            }
        }
        return $allowed === [] ? [Scope::NO_DIRECTORY] : $allowed;
    }

    /** @return string|null why the library cannot be used; null: it is bound */
    private static function bind(?string $library): ?string
    {
        if ($library === '') {
            return 'the setting "library" is empty: the library is not to be used';
        }
        if (!extension_loaded('FFI')) {
            return 'PHP has no extension FFI: install and enable it (Debian: phpenmod ffi)';
        }
        try {
            $version = Scope::abiVersion();
        } catch (\FFI\Exception | \ReflectionException | \JsonException $e) {
            self::$scope = Cdef\Functions::class;
            $why = include __DIR__ . '/Cdef/bind.php';
            if ($why !== null) {
                return is_string($why) ? $why : 'open_basedir keeps PHP from ' . __DIR__ . '/Cdef: add that folder';
            }
            $version = self::$scope::abiVersion();
        }
        return $version === self::ABI_VERSION ? null : "the library does not fit these PHP files (its ABI version is"
            . " $version): install both from one release and restart PHP";
    }
}
