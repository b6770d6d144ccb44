<?php

namespace Transmit\Doctor;

use Transmit\Plain\ListenerSocket;
use Transmit\Settings;
use Transmit\SocketPath;
use Transmit\SocketUser;

/**
 * Checks the socket: whether a listener can be reached and keeps up, and how large a datagram may be.
 */
final class Socket
{
    private const EPROTOTYPE = 91;
    private const EPERM = 1;
    private const EACCES = 13;
    private const ECONNREFUSED = 111;

    /** If the queue is full for longer than this, the listener has stopped reading or is too slow. */
    private const PATIENCE_US = 50000;

    /** Bytes of the send buffer that the kernel needs beside a datagram (struct skb_shared_info). */
    private const OVERHEAD = 32;

    /** @return list<Finding> */
    public static function examine(Settings $settings): array
    {
        $path = $settings->listenerSocket;
        $problem = SocketPath::problem($path);
        if ($problem !== '') {
            $remedy = 'give the listener, and the setting listener_socket, a path of at most '
                . SocketPath::MAX_LENGTH . ' bytes, such as /run/bitville-apm/listener.sock';
            return [Finding::fail('socket', $problem, $remedy)];
        }
        [$error, $errno, $isFull] = ListenerSocket::probe($path, self::PATIENCE_US);
        if ($error !== '') {
            [$why, $remedy] = self::explain($path, $errno);
            return [Finding::fail('socket', "$error" . ($why === '' ? '' : "; $why"), $remedy)];
        }
        $refused = SocketUser::problem($path, $settings->listenerUser);
        if ($refused !== '') {
            $remedy = 'let that user run the listener, or set listener_user to the one who does';
            return [Finding::fail('socket', "$path: $refused: nothing is sent to it", $remedy)];
        }
        $text = "$path: a listener is bound there (" . System::ownership($path) . ')';
        [$why, $remedy] = (new SocketOwner($settings->listenerUser))->problem($path);
        $found = $why === '' ? Finding::ok('socket', $text) : Finding::warn('socket', "$text; $why", $remedy);
        return [$found, self::queue($isFull), self::size($settings)];
    }

    /** @return array{string, string} details on the system's error, and the remedy */
    private static function explain(string $path, int $errno): array
    {
        clearstatcache();
        $start = 'start the listener, or set listener_socket to the path that it is bound to';
        if (in_array($errno, [self::EACCES, self::EPERM], true)) {
            return self::explainPermission($path);
        }
        if ($errno === self::EPROTOTYPE) {
            return ['it is a socket, but not one of datagrams', 'configure the listener for datagrams'
                . ' (Telegraf: unixgram://, syslog-ng: unix-dgram(), Vector: mode unix_datagram)'];
        }
        if ($errno === self::ECONNREFUSED) {
            return filetype($path) !== 'socket' && !is_link($path)
                ? ['', 'remove what is there and restart the listener']
                : ['the socket is there, but no listener is bound to it any more', $start];
        }
        if (is_link($path)) {
            return ['it is a link to ' . readlink($path) . ', which is not there', $start];
        }
        return is_dir(dirname($path)) ? ['', $start] : ['its directory is not there',
            "$start; systemd's RuntimeDirectory= or tmpfiles.d make the directory at each start"];
    }

    /** @return array{string, string} */
    private static function explainPermission(string $path): array
    {
        $user = System::user();
        $closed = System::closedDirectory($path);
        if ($closed !== null) {
            return ["$user may not enter $closed (" . System::ownership($closed) . ')',
                "give $closed mode 0755, or $user its group (systemd: RuntimeDirectoryMode=0755)"];
        }
        if (System::modeAllowsWriting($path)) {
            return [SecurityModule::suspicion("$user may write to it by its mode (" . System::ownership($path) . ')'),
                SecurityModule::REMEDY];
        }
        return ["$user may not write to it (" . System::ownership($path) . ')',
            "let the listener make its socket writable for $user: mode 0666, or a group that both are in"];
    }

    private static function queue(bool $isFull): Finding
    {
        $length = System::read('/proc/sys/net/unix/max_dgram_qlen');
        $text = "net.unix.max_dgram_qlen=$length: about as many datagrams may wait for the listener";
        return $isFull
            ? Finding::fail(
                'queue',
                "the listener's queue is full, and stays so. $text",
                'look at the listener: it has stopped reading, or it is too slow. A longer queue helps'
                . ' against bursts only: sysctl net.unix.max_dgram_qlen=512, then restart the listener'
            )
            : Finding::ok('queue', "the listener's queue has room. $text");
    }

    private static function size(Settings $settings): Finding
    {
        $most = (int) System::read('/proc/sys/net/core/wmem_default') - self::OVERHEAD;
        $text = "max_datagram_size=$settings->maxDatagramSize; the kernel takes $most bytes at most"
            . ' (net.core.wmem_default), the listener may take less';
        return $most > 0 && $settings->maxDatagramSize > $most
            ? Finding::warn('size', $text, "set max_datagram_size to $most or, if it is lower, the listener's limit;"
                . ' or raise net.core.wmem_default')
            : Finding::ok('size', $text);
    }
}
