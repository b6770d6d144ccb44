<?php

/**
 * The profiling transmitter: require this file, then call send_profiling_data().
 *
 * Preloading, auto_prepend or a second copy of these files may have declared the
 * functions before. Declaring them again would be a fatal error, so they are asked for first.
 */

require_once __DIR__ . '/config.php';
require_once __DIR__ . '/autoload.php';

if (!function_exists('send_profiling_data')) {
    require_once __DIR__ . '/functions.php';
}
