<?php

/**
 * get_profiling_config() for the tests: what the environment names.
 */

function get_profiling_config(): array
{
    $more = json_decode(getenv('TEST_SETTINGS') ?: '{}', true);
    return $more + [
        'listener_socket' => getenv('TEST_SOCKET'),
        'buffer_dirs' => [getenv('TEST_BUFFER')],
        'correlation_id_header' => 'X-Correlation-Id',
    ];
}
