<?php

/**
 * What there is without the library, for bench.php where no reference is at hand: a new socket each call,
 * SO_SNDTIMEO, sendto, and a file by tempnam and rename.
 */

function send_profiling_data(array $profile): bool
{
    $profile['_meta'] = ['timestamp' => microtime(true), 'php_version' => PHP_VERSION];
    $json = json_encode($profile, JSON_UNESCAPED_SLASHES | JSON_PARTIAL_OUTPUT_ON_ERROR);
    if (strlen($json) > 65507) {
        $json = json_encode(shrink($profile), JSON_UNESCAPED_SLASHES | JSON_PARTIAL_OUTPUT_ON_ERROR);
    }
    return send_via_socket($json, get_profiling_config()['listener_socket']);
}

function shrink(array $profile): array
{
    $functions = &$profile['xhprof']['profiling']['top_functions'];
    $functions = array_slice($functions ?? [], 0, 50);
    usort($profile['sql']['queries'], static function (array $a, array $b): int {
        return $b['time_ms'] <=> $a['time_ms'];
    });
    $profile['sql']['queries'] = array_slice($profile['sql']['queries'], 0, 100);
    return $profile;
}

function send_via_socket(string $json, string $path): bool
{
    $socket = socket_create(AF_UNIX, SOCK_DGRAM, 0);
    socket_set_option($socket, SOL_SOCKET, SO_SNDTIMEO, ['sec' => 0, 'usec' => 50000]);
    $sent = strlen($json) <= 65507 && @socket_sendto($socket, $json, strlen($json), 0, $path) !== false;
    socket_close($socket);
    if (!$sent) {
        error_log('not sent: ' . socket_strerror(socket_last_error()));
        keep($json);
    }
    return $sent;
}

function keep(string $json): void
{
    $directory = get_profiling_config()['buffer_dirs'][0];
    is_dir($directory) || mkdir($directory);
    $file = tempnam($directory, 'new_');
    file_put_contents($file, $json, LOCK_EX);
    rename($file, $directory . '/profile_' . gmdate('Ymd_His_') . substr(md5(uniqid('', true)), 0, 8) . '.json');
}

function cleanup_old_buffers(int $max_age): void
{
    foreach (glob(get_profiling_config()['buffer_dirs'][0] . '/profile_*.json') as $file) {
        if (time() - filemtime($file) > $max_age) {
            unlink($file);
        }
    }
}
