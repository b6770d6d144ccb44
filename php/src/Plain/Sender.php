<?php

namespace Transmit\Plain;

use Transmit\BufferDirectory;
use Transmit\Result;
use Transmit\Transmission;

/**
 * A profile's way without the library: the listener's socket, else the disk buffer.
 */
final class Sender
{
    /**
     * Sends one encoded profile, as it is.
     *
     * @param string|null $socketPath null: to the disk at once
     * @return array{int, string} a Result, and what went wrong
     */
    public static function send(string $json, ?string $socketPath, Transmission $call): array
    {
        if ($json === '') {
            return [Result::EEMPTY, 'the profile is an empty string'];
        }
        $why = [];
        if ($socketPath !== null) {
            $why[] = self::toSocket($json, $socketPath, $call);
            if ($why === ['']) {
                return [Result::SENT, ''];
            }
        }
        [$result, $why[]] = self::toDisk($json, $call);
        return [$result, implode('; ', array_filter($why))];
    }

    /** @return string why not; "": it is sent */
    private static function toSocket(string $json, string $path, Transmission $call): string
    {
        if (strlen($json) > $call->settings->maxDatagramSize) {
            $noMemfd = $call->settings->oversize === 'memfd' ? ', and plain PHP cannot pass a memfd' : '';
            return strlen($json) . " bytes are more than max_datagram_size$noMemfd";
        }
        return ListenerSocket::send($json, $path, $call->diskBy);
    }

    /** @return array{int, string} */
    private static function toDisk(string $json, Transmission $call): array
    {
        $directory = BufferDirectory::choose($call->settings->bufferDirs);
        if ($directory === null) {
            return [Result::ENODIR, 'no buffer directory can be used: ' . implode(', ', $call->settings->bufferDirs)];
        }
        [$result, $text] = BufferFile::write($json, $directory, $call->deadline);
        if ($result !== Result::BUFFERED) {
            return [$result, $text];
        }
        (new BufferLimits($directory, $call->settings, $call->deadline))->count($text);
        return [$result, "the profile is in $directory"];
    }
}
