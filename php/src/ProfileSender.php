<?php

namespace Transmit;

use function array_key_exists;
use function strlen;

/**
 * Sends one profile that TrySend has not sent: with one json_encode, or through LargeProfile if it may be large.
 */
final class ProfileSender
{
    private const TRANSMITTER_VERSION = '1.0';

    /** The most bytes of "_meta", with any PHP_VERSION. */
    private const META_BYTES = 256;

    /** These flags leave json_last_error() unchanged. LargeProfile encodes values that they refuse. */
    private const FLAGS = JSON_UNESCAPED_SLASHES | JSON_INVALID_UTF8_SUBSTITUTE | JSON_THROW_ON_ERROR;

    /**
     * @param int $start Deadline::now(), when the application called
     * @param int $tried what TrySend has returned
     * @param array<string, bool> $marks more for "_meta"
     * @param int $flags Native::NO_WAIT, or 0
     * @return bool whether the socket took it
     */
    public static function send(array $data, int $start, int $tried, array $marks = [], int $flags = 0): bool
    {
        $settings = Settings::current();
        if ($tried === Native::NOT_CALLED && $marks === [] && Native::isUsable($settings)) {
            $json = self::encodePiece($data);
            $result = $json === null ? Native::NOT_CALLED : self::sendPiece($json, $settings, $start, $flags);
            if (!Result::leavesItToPlain($result)) {
                return $result === Result::SENT;
            }
        }
        return LargeProfile::send($data, $settings, $start, $marks, $flags)->log($settings)->isSent();
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

    /** @return string|null null: it needs LargeProfile */
    private static function encodePiece(array $data): ?string
    {
        if ((new Piece())->size($data, Encoder::MAX_DEPTH) < 0) {
            return null;
        }
        if (array_key_exists('_meta', $data)) {
            unset($data['_meta']);
        }
        try {
            return json_encode($data, self::FLAGS);
        } catch (\JsonException $e) {
            return null;
        }
    }

    /**
     * Sends it through the library, which adds "_meta": faster than encoding it here. Logs what became of it.
     *
     * @return int a Result; if Result::leavesItToPlain(), nothing has happened, and LargeProfile can send it
     */
    public static function sendPiece(string $json, Settings $settings, ?int $start, int $flags): int
    {
        $length = strlen($json);
        if ($length < 3 || $json[0] !== '{' || $length > $settings->maxDatagramSize - self::META_BYTES) {
            return Native::NOT_CALLED;
        }
        [$result, $leftOut] = Native::send($json, Native::TRUSTED | Native::ASK_LOG | $flags, null, $settings, $start);
        if ($leftOut !== null && !Result::leavesItToPlain($result)) {
            Log::line((new Outcome($result, Native::lastError()))->inWords(), $leftOut);
        }
        return $result;
    }
}
