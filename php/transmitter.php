<?php

/**
 * The profiling transmitter: require this file, then call send_profiling_data().
 *
 * Under opcache preloading the functions exist before the first request; declaring
 * them again would be a fatal error, so they are asked for first.
 */

require_once __DIR__ . '/config.php';

if (!function_exists('send_profiling_data')) {
    require_once __DIR__ . '/classes.php';
    require_once __DIR__ . '/functions.php';
}
