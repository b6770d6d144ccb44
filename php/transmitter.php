<?php

/**
 * The profiling transmitter: require this file, then call send_profiling_data().
 *
 * Functions that the application has declared stay; only the others are declared.
 */

require_once __DIR__ . '/autoload.php';
require_once __DIR__ . '/config.php';
require_once __DIR__ . '/functions.php';
