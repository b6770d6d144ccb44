<?php

namespace Transmit\Plain;

use Transmit\Deadline;
use Transmit\Quiet;
use Transmit\SocketPath;

/**
 * Sends one datagram with PHP's streams, because the extension sockets may be missing.
 */
final class ListenerSocket
{
    private const STEP_US = 2000;

    /** A replay pauses for so long after each profile, as the library does, so that live sends find room in the queue. */
    private const PACE_US = 1000;
    private const SLOWEST_PACE_US = 50000;

    private int $paceUs = self::PACE_US;

    /** @var resource */
    private $stream;

    /** @param resource $stream */
    private function __construct($stream)
    {
        $this->stream = $stream;
    }

    /**
     * Sends one datagram. It waits for room in the listener's queue until the deadline.
     *
     * @return string why not; "": it is sent
     */
    public static function send(string $json, string $path, Deadline $until): string
    {
        $problem = SocketPath::problem($path);
        $stream = $problem === '' ? stream_socket_client('udg://' . $path, $number, $error, 0) : false;
        if ($stream === false) {
            return $problem === '' ? self::explain($path, $error) : $problem;
        }
        stream_set_blocking($stream, false);
        self::setSendTimeout($stream);
        $socket = new self($stream);
        try {
            return $socket->trySend($json) ? '' : $socket->sendWhenWritable($json, new BackOff($path), $until);
        } finally {
            fclose($stream);
        }
    }

    /** Connects, to send many datagrams. Null: no listener can be reached. */
    public static function connect(string $path): ?self
    {
        $stream = stream_socket_client('udg://' . $path, $number, $error, 0);
        if ($stream === false) {
            return null;
        }
        stream_set_blocking($stream, false);
        return new self($stream);
    }

    /**
     * Sends one datagram if the listener's queue has room within that time, and pauses. A full queue shows that the
     * listener reads more slowly, so each one doubles the pause. Successes shorten it again.
     */
    public function sendWithin(string $json, int $timeoutUs): bool
    {
        $until = Deadline::after(Deadline::now(), $timeoutUs);
        while (!$this->trySend($json)) {
            if (!$this->isFull(Quiet::lastWarning()) || $until->isOver()) {
                return false;
            }
            $this->paceUs = min(2 * $this->paceUs, self::SLOWEST_PACE_US);
            usleep(min($this->paceUs, $until->left()));
        }
        $this->paceUs = max($this->paceUs - intdiv($this->paceUs, 32), self::PACE_US);
        usleep(min($this->paceUs, $until->left()));
        return true;
    }

    /**
     * Checks, without sending, whether a listener can be reached and has room for a datagram within that time.
     *
     * @return array{string, int, bool} why it cannot be reached, or ""; errno; whether the queue stayed full
     */
    public static function probe(string $path, int $timeoutUs = 0): array
    {
        $stream = stream_socket_client('udg://' . $path, $number, $error, 0);
        if ($stream === false) {
            return [self::explain($path, $error), $number, false];
        }
        $isFull = !(new self($stream))->isWritable($timeoutUs);
        fclose($stream);
        return ['', 0, $isFull];
    }

    private function sendWhenWritable(string $json, BackOff $backOff, Deadline $until): string
    {
        $said = Quiet::lastWarning();
        if ($this->isFull($said) && $backOff->isOn()) {
            return "the listener's queue is full, and was so before: not waiting";
        }
        while ($this->isFull($said) && $until->left() > 0) {
            $this->pause($until);
            if ($this->trySend($json)) {
                $backOff->end();
                return '';
            }
            $said = Quiet::lastWarning();
        }
        if ($this->isFull($said)) {
            $backOff->grow();
            return "the listener's queue stayed full";
        }
        return $this->trySend($json) ? '' : 'send: ' . Quiet::lastWarning();
    }

    /**
     * Whether the last attempt failed because of a full queue. Streams do not tell errno, and its text may be in
     * another language, so this also checks whether the socket is writable.
     *
     * @param string $said the warning of the last attempt
     */
    private function isFull(string $said): bool
    {
        return strpos($said, 'temporarily unavailable') !== false
            || (!$this->isWritable(0) && strpos(Quiet::lastWarning(), 'FD_SETSIZE') === false);
    }

    /** Waits for a short time: a signal may end it. select() cannot wait for a descriptor above 1,023; usleep() can. */
    private function pause(Deadline $until): void
    {
        $us = min(self::STEP_US, $until->left());
        $start = Deadline::now();
        $isWritable = $this->isWritable($us);
        if (!$isWritable && Deadline::now() - $start < $us * 500) {
            usleep($us);
        }
    }

    private function trySend(string $json): bool
    {
        return stream_socket_sendto($this->stream, $json) === strlen($json);
    }

    private function isWritable(int $timeoutUs): bool
    {
        $read = $except = null;
        $write = [$this->stream];
        return stream_select($read, $write, $except, 0, $timeoutUs) === 1;
    }

    /**
     * Limits the time of a send in the kernel, in case the socket blocks nevertheless.
     *
     * @param resource $stream
     */
    private static function setSendTimeout($stream): void
    {
        if (function_exists('socket_import_stream')) {
            $socket = socket_import_stream($stream);
            socket_set_option($socket, SOL_SOCKET, SO_SNDTIMEO, ['sec' => 0, 'usec' => 50000]);
        }
    }

    private static function explain(string $path, string $error): string
    {
        clearstatcache();
        $type = filetype($path);
        $what = $type === false || $type === 'socket' || $type === 'link' ? '' : " (it is a $type, not a socket)";
        return "$path: $error$what";
    }
}
