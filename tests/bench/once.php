<?php

/**
 * A whole process that sends one profile to LISTENER_SOCKET: once.php WAY. bench.php compares the CPU time.
 */

require $argv[1] === 'reference'
    ? (getenv('BENCH_REFERENCE') ?: __DIR__ . '/peer.php')
    : getenv('BENCH_PHP') . '/transmitter.php';

if (!function_exists('get_profiling_config')) {
    function get_profiling_config(): array
    {
        return ['listener_socket' => getenv('LISTENER_SOCKET')];
    }
}

send_profiling_data(['correlation_id' => 'b1946ac92492d234', 'url' => '/orders', 'elapsed_ms' => 812.5]);
