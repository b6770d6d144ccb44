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
            return self::sendLarge($data, $settings->listenerSocket, new Transmission($settings, $start), $json);
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

    /**
     * Cut, whatever its size is, or whole, as the setting oversize has it.
     *
     * @param string|null $json it is encoded already
     */
    public static function sendLarge(
        array $data,
        string $socketPath,
        Transmission $transmission,
        ?string $json = null
    ): bool {
        if ($transmission->settings->oversize === 'shrink' || $json === '') {
            return self::sendCut($data, $socketPath, $transmission);
        }
        // Half of the time: a profile that was cut after all is better than none.
        $half = $transmission->diskBy->earlierBy(intdiv($transmission->diskBy->left(), 2));
        $json = $json ?? Encoder::encodeUntil($data, $half);
        return $json === null
            ? self::sendCut($data, $socketPath, $transmission)
            : self::transmit($json, $socketPath, $transmission);
    }

    private static function sendCut(array $data, string $socketPath, Transmission $transmission): bool
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
        $oversize = $transmission->settings->oversize;
        if ($length > $transmission->settings->maxDatagramSize && $oversize !== 'memfd') {
            $why = $oversize === 'shrink' ? "still $length bytes after the cuts" : "$length bytes, uncut";
            return $transmission->storeInstead($json, $why) === Result::SENT;
        }
        return $transmission->deliver($json, $socketPath) === Result::SENT;
    }
}
