<?php

/**
 * The functions of ../../functions.php, for preload.php. Their bodies are evaluated, because code that is evaluated in
 * a request has only the rights of a page. The results are plain values. No parameter is declared string: see Scope.
 *
 * Each function is declared only if its name is free.
 */

declare(strict_types=1);

use Transmit\Preloaded\Sources;

if (!function_exists('send_profiling_data')) {
    function send_profiling_data(array $data): bool
    {
        return eval(Sources::CALL . 'Functions::sendProfilingData($data) === true;');
    }
}

if (!function_exists('transmit_or_buffer')) {
    function transmit_or_buffer(array $data): bool
    {
        return eval(Sources::CALL . 'Functions::sendProfilingData($data) === true;');
    }
}

if (!function_exists('send_via_socket')) {
    /**
     * @param string $json
     * @param string $socketPath
     */
    function send_via_socket($json, $socketPath): bool
    {
        return eval(Sources::CALL . 'Functions::sendViaSocket($json, $socketPath) === true;');
    }
}

if (!function_exists('send_large_data')) {
    /** @param string $socketPath */
    function send_large_data(array $data, $socketPath): bool
    {
        return eval(Sources::CALL . 'Functions::sendLargeData($data, $socketPath) === true;');
    }
}

if (!function_exists('write_to_disk_buffer')) {
    /** @param string $json */
    function write_to_disk_buffer($json): bool
    {
        return eval(Sources::CALL . 'Functions::writeToDiskBuffer($json) === true;');
    }
}

if (!function_exists('get_buffer_directory')) {
    /** @return string|null */
    function get_buffer_directory()
    {
        return eval(Sources::CALL . '\is_string($result = Functions::getBufferDirectory()) ? $result : null;');
    }
}

if (!function_exists('cleanup_old_buffers')) {
    function cleanup_old_buffers(int $maxAge = 3600): void
    {
        eval(Sources::CALL . 'Functions::cleanupOldBuffers($maxAge) === true;');
    }
}

if (!function_exists('replay_disk_buffer')) {
    function replay_disk_buffer(int $maxFiles = 1000, int $budgetUs = 50000): int
    {
        return eval(Sources::CALL . '(int) Functions::replayDiskBuffer($maxFiles, $budgetUs);');
    }
}

if (!function_exists('check_listener_socket')) {
    /** @return array<string, mixed> */
    function check_listener_socket()
    {
        return eval(Sources::CALL . '\json_decode((string) \json_encode(Functions::checkListenerSocket()), true);');
    }
}

if (!function_exists('get_transmit_stats')) {
    /** @return array<string, mixed> */
    function get_transmit_stats()
    {
        return eval(Sources::CALL . '\json_decode((string) \json_encode(Functions::getTransmitStats()), true);');
    }
}
