<?php

namespace Transmit\Test;

/**
 * A bound Unix datagram socket. It is wedged until the test receives.
 */
final class Listener
{
    /** @var resource */
    private $socket;

    public function __construct(string $path)
    {
        $this->socket = stream_socket_server('udg://' . $path, $number, $error, STREAM_SERVER_BIND);
        stream_set_blocking($this->socket, false);
    }

    /** The next datagram; null when there is none. */
    public function receive(): ?string
    {
        $read = [$this->socket];
        $write = $except = null;
        if (stream_select($read, $write, $except, 0, 200000) !== 1) {
            return null;
        }
        return (string) stream_socket_recvfrom($this->socket, 1 << 20);
    }

    public function close(): void
    {
        fclose($this->socket);
    }
}
