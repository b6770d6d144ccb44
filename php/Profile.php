<?php

namespace Transmit;

/**
 * What a profile goes through on its way: "_meta", cut if it is too large, encoded once if possible.
 */
final class Profile
{
    private const TRANSMITTER_VERSION = '1.0';

    /**
     * @param int $start hrtime(true), when the application called
     * @return bool whether the socket took it
     */
    public static function send(array $data, int $start): bool
    {
        $settings = Settings::current();
        $data['_meta'] = self::meta();
        $json = SizeBound::exceeds($data, $settings->maxDatagramSize) ? null : Encoder::encode($data);
        if ($json === null || $json === '' || strlen($json) > $settings->maxDatagramSize) {
            return self::sendCut($data, $settings->listenerSocket, new Transmission($settings, $start));
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
        ];
    }

    /** Cuts it whatever its size is. */
    public static function sendCut(array $data, string $socketPath, Transmission $transmission): bool
    {
        $json = Encoder::encodeUntil(Cut::apply($data), $transmission->diskBy);
        return self::transmit($json, $socketPath, $transmission);
    }

    private static function transmit(?string $json, string $socketPath, Transmission $transmission): bool
    {
        if ($json === null) {
            return $transmission->lose(Result::ETIMEDOUT, 'time was up before it was encoded');
        }
        if ($json === '') {
            return $transmission->lose(Result::ESYNTAX, 'json_encode: ' . json_last_error_msg());
        }
        $length = strlen($json);
        if ($length > $transmission->settings->maxDatagramSize) {
            return $transmission->storeInstead($json, "still $length bytes after the cuts") === Result::SENT;
        }
        return $transmission->deliver($json, $socketPath) === Result::SENT;
    }
}
