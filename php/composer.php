<?php

/**
 * For Composer, which loads the classes: the functions that the application has not declared yet. It may
 * define its get_profiling_config() later, at any time before the first call.
 */

require_once __DIR__ . '/functions.php';
