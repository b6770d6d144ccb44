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

    /** @var resource */
    private $stream;

    /** @param resource $stream */
    private function __construct($stream)
    {
        $this->stream = $stream;
    }

    /**
     * Sends it, waiting for room in the listener's queue until then.
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

    /** For many datagrams. Null: no listener can be reached there. */
    public static function connect(string $path): ?self
    {
        $stream = stream_socket_client('udg://' . $path, $number, $error, 0);
        if ($stream === false) {
            return null;
        }
        stream_set_blocking($stream, false);
        return new self($stream);
    }

    /** Sends it if the listener's queue has room so soon. */
    public function sendWithin(string $json, int $timeoutUs): bool
    {
        $until = Deadline::after(Deadline::now(), $timeoutUs);
        while (!$this->trySend($json)) {
            if (!$this->isFull(Quiet::lastWarning()) || $until->isOver()) {
                return false;
            }
            $this->pause($until);
        }
        return true;
    }

    /**
     * Whether a listener can be reached there, and has room for a datagram within that time. Sends nothing.
     *
     * @return array{string, int, bool} why not, "" if so; errno; whether the queue stayed full
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
     * Was it the queue? Streams do not tell errno, and its text may be in another language.
     *
     * @param string $said by the last attempt
     */
    private function isFull(string $said): bool
    {
        return strpos($said, 'temporarily unavailable') !== false
            || (!$this->isWritable(0) && strpos(Quiet::lastWarning(), 'FD_SETSIZE') === false);
    }

    /** In short steps: a signal ends one, and select cannot wait for a descriptor above 1,023. */
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
     * The kernel's own backstop, should the socket ever block.
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
