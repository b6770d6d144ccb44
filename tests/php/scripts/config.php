<?php

/**
 * get_profiling_config() of the tests: reads the settings from the environment.
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
