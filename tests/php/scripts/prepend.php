<?php

/**
 * For auto_prepend_file: the profiler, with the test's listener.
 */

require __DIR__ . '/config.php';
require dirname(__DIR__, 3) . '/php/auto_prepend.php';
