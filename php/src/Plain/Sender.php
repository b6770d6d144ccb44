<?php

namespace Transmit\Plain;

use Transmit\BufferDirectory;
use Transmit\Outcome;
use Transmit\Result;
use Transmit\SendCall;
use Transmit\SocketUser;

/**
 * Sends a profile without the library: to the listener's socket, else to the disk buffer.
 *
 * If a function is disabled that one of both needs, only that one fails.
 */
final class Sender
{
    /**
     * Sends one encoded profile, as it is.
     *
     * @param string|null $socketPath null: write it to the disk only
     */
    public static function send(string $json, ?string $socketPath, SendCall $call): Outcome
    {
        if ($json === '') {
            return new Outcome(Result::EEMPTY, 'the profile is an empty string');
        }
        $why = $socketPath === null ? null : self::toSocket($json, $socketPath, $call);
        if ($why === '') {
            return new Outcome(Result::SENT);
        }
        $outcome = self::toDisk($json, $call);
        return $why === null ? $outcome : $outcome->because($why);
    }

    /** @return string why not; "": it is sent */
    private static function toSocket(string $json, string $path, SendCall $call): string
    {
        if (strlen($json) > $call->settings->maxDatagramSize) {
            $noMemfd = $call->settings->oversize === 'memfd' ? ', and plain PHP cannot pass a memfd' : '';
            return strlen($json) . " bytes are more than max_datagram_size$noMemfd";
        }
        try {
            $problem = SocketUser::problem($path, $call->settings->listenerUser);
            return $problem === '' ? ListenerSocket::send($json, $path, $call->socketDeadline) : "$path: $problem";
        } catch (\Error $e) {
            return 'socket: ' . $e->getMessage();
        }
    }

    private static function toDisk(string $json, SendCall $call): Outcome
    {
        [$size, $limit] = [strlen($json), $call->settings->bufferMaxBytes];
        if ($limit > 0 && $size > $limit) {
            $why = "buffer is full: a profile of $size bytes is over the limit of $limit";
            return new Outcome(Result::EFULL, $why);
        }
        try {
            $directory = BufferDirectory::choose($call->settings->bufferDirs);
            if ($directory === null) {
                $all = implode(', ', $call->settings->bufferDirs);
                return new Outcome(Result::ENODIR, "no buffer directory can be used: $all");
            }
            $tags = Tags::read($directory, $call->listener, OwnDirectory::BRIEF_US);
            $limits = new BufferLimits($directory, $tags, $call->settings, $call->deadline);
            $isAlone = $limits->begin();
            [$result, $text] = BufferFile::write($json, $directory, $tags, $isAlone, $call->deadline);
        } catch (\Error $e) {
            return new Outcome(Result::EIO, 'disk buffer: ' . $e->getMessage());
        }
        if ($result !== Result::BUFFERED) {
            return new Outcome($result, $text);
        }
        try {
            $limits->count($text);
        } catch (\Error $e) {
            return new Outcome($result, "the profile is in $directory, its limits are not kept: " . $e->getMessage());
        }
        return new Outcome($result, "the profile is in $directory");
    }
}
