<?php

/**
 * For Composer, which loads the classes: the functions, unless preloading, auto_prepend or another
 * copy has declared them. The application may define its get_profiling_config() later, at any time
 * before the first call.
 */

if (!function_exists('send_profiling_data')) {
    require_once __DIR__ . '/functions.php';
}
