<?php

/**
 * For Composer, which loads the classes. Declares those functions that the application has not declared. The
 * application may define get_profiling_config() later, before the first call.
 */

require_once __DIR__ . '/functions.php';
