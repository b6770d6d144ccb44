<?php

namespace Transmit;

use function array_key_exists;
use function strlen;

/**
 * What a profile goes through on its way: "_meta", cut if it is too large, encoded once if possible.
 */
final class Profile
{
    private const TRANSMITTER_VERSION = '1.0';

    /** "_meta" is shorter, whatever PHP_VERSION is. */
    private const META_BYTES = 256;

    /**
     * @param int $start hrtime(true), when the application called
     * @param array<string, bool> $marks more for "_meta"
     * @return bool whether the socket took it
     */
    public static function send(array $data, int $start, array $marks = []): bool
    {
        $settings = Settings::current();
        if (array_key_exists('_meta', $data)) {
            unset($data['_meta']);
        }
        $isSmall = SizeBound::isSmall($data, min($settings->maxDatagramSize, Encoder::PIECE));
        $isTooLarge = !$isSmall && SizeBound::exceeds($data, $settings->maxDatagramSize);
        if ($isSmall && $marks === [] && Native::isReady($settings)) {
            $json = Encoder::encode($data);
            $result = self::sendNative($json, $settings, $start);
            if ($result !== null) {
                return $result === Result::SENT;
            }
            $isTooLarge = strlen($json) > $settings->maxDatagramSize;
        }
        $data['_meta'] = self::meta() + $marks;
        $json = $isTooLarge ? null : Encoder::encode($data);
        if ($json === null || $json === '' || strlen($json) > $settings->maxDatagramSize) {
            return self::sendLarge($data, $settings->listenerSocket, $settings, $start, $json);
        }
        return Transmission::send($json, $settings->listenerSocket, $settings, $start);
    }

    /** @return array<string, mixed> */
    public static function meta(): array
    {
        return [
            'timestamp' => microtime(true),
            'php_version' => PHP_VERSION,
            'transmitter_version' => self::TRANSMITTER_VERSION,
            'id' => bin2hex(random_bytes(8)),
        ];
    }

    /**
     * The library adds "_meta" in less time than the encoder needs for the time in it.
     *
     * @return int|null a Result; null: this needs more than that
     */
    private static function sendNative(string $json, Settings $settings, int $start): ?int
    {
        $length = strlen($json);
        if ($length < 3 || $json[0] !== '{' || $length > $settings->maxDatagramSize - self::META_BYTES) {
            return null;
        }
        $result = Native::send($json, Native::TRUSTED, null, $settings, $start);
        if ($result === Result::SENT) {
            return $result;
        }
        return Result::leavesItToPlain($result)
            ? null
            : Transmission::report($result, Native::lastError(), $settings);
    }

    /**
     * Cut, whatever its size is, or whole, as the setting oversize has it.
     *
     * @param string|null $json it is encoded already; "": it cannot be
     */
    public static function sendLarge(
        array $data,
        string $socketPath,
        Settings $settings,
        int $start,
        ?string $json = null
    ): bool {
        $transmission = new Transmission($settings, $start);
        if ($settings->oversize === 'shrink' || $json === '') {
            $json = self::encodeCut($data, $transmission);
        } elseif ($json === null) {
            // Half of the time: a profile that was cut after all is better than none.
            $half = $transmission->diskBy->earlierBy(intdiv($transmission->diskBy->left(), 2));
            $json = Encoder::encodeUntil($data, $half) ?? self::encodeCut($data, $transmission);
        }
        if ($json === null) {
            $why = 'time was up before it was encoded';
            return Transmission::report(Result::ETIMEDOUT, $why, $settings) === Result::SENT;
        }
        if ($json === '') {
            $why = 'json_encode: ' . json_last_error_msg();
            return Transmission::report(Result::ESYNTAX, $why, $settings) === Result::SENT;
        }
        $length = strlen($json);
        if ($length > $settings->maxDatagramSize && $settings->oversize !== 'memfd') {
            $why = $settings->oversize === 'shrink' ? "still $length bytes after the cuts" : "$length bytes, uncut";
            return $transmission->storeInstead($json, $why) === Result::SENT;
        }
        return $transmission->deliver($json, $socketPath);
    }

    private static function encodeCut(array $data, Transmission $transmission): ?string
    {
        $cut = Cut::apply($data);
        if (isset($cut['_meta']['truncated']) || isset($cut['_meta']['sql_truncated'])) {
            $transmission->flags |= Native::SHRUNK;
        }
        return Encoder::encodeUntil($cut, $transmission->diskBy);
    }
}
