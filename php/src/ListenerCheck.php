<?php

namespace Transmit;

use Transmit\Plain\ListenerSocket;

/**
 * Finds out whether profiles can arrive, and if not, why. It sends none.
 */
final class ListenerCheck
{
    /**
     * socket_path       string
     * exists            bool    a file exists at that path
     * is_socket         bool
     * writable_dir      bool    a listener of this user could bind a socket there
     * path_length_ok    bool
     * connectable       bool    a listener answers, and this user may write to it
     * error             string  why it is not connectable; "" if it is
     * buffer_directory  string|null
     * mode              string  "native" or "plain"
     * plain_because     string  "" if native
     * library_version   string  "" if plain
     *
     * @return array<string, mixed>
     */
    public static function run(Settings $settings): array
    {
        $path = $settings->listenerSocket;
        $problem = SocketPath::problem($path);
        $problem = $problem === '' ? SocketUser::problem($path, $settings->listenerUser) : $problem;
        $error = $problem === '' ? ListenerSocket::probe($path)[0] : $problem;
        $isNative = Native::isUsable($settings);
        clearstatcache();
        return [
            'socket_path' => $path,
            'exists' => file_exists($path),
            'is_socket' => file_exists($path) && ((stat($path)['mode'] ?? 0) & 0170000) === 0140000,
            'writable_dir' => is_writable(dirname($path)),
            'path_length_ok' => strlen($path) <= SocketPath::MAX_LENGTH,
            'connectable' => $error === '',
            'error' => $error,
            'buffer_directory' => BufferDirectory::choose($settings->bufferDirs),
            'mode' => $isNative ? 'native' : 'plain',
            'plain_because' => Native::why(),
            'library_version' => Native::version($settings),
        ];
    }
}
