<?php

namespace Transmit\Plain;

use Transmit\Deadline;
use Transmit\Quiet;

/**
 * One datagram through PHP's own streams; ext-sockets may be missing.
 */
final class ListenerSocket
{
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
        $stream = stream_socket_client('udg://' . $path, $number, $error, 0);
        if ($stream === false) {
            return self::explain($path, $error);
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

    /** For many datagrams. Null: nobody can be reached there. */
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
        return $this->isWritable($timeoutUs) && $this->trySend($json);
    }

    /**
     * Can somebody be reached there, and take a datagram within that time? Sends nothing.
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
        // Streams do not tell errno. Writable at once: it was not the queue (or has just ceased to be).
        while (!$this->isWritable(0)) {
            if ($backOff->isOn()) {
                return "the listener's queue is full, and was so before: not waiting";
            }
            if (!$this->isWritable($until->left())) {
                $backOff->grow();
                return "the listener's queue stayed full";
            }
            if ($this->trySend($json)) {
                $backOff->end();
                return '';
            }
        }
        return $this->trySend($json) ? '' : 'send: ' . Quiet::lastWarning();
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
