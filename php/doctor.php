<?php

/**
 * The doctor: says why no profiles arrive. php doctor.php --help shows its options. It is also a page of php-fpm.
 */

if (PHP_VERSION_ID < 70400 || !function_exists('json_encode')) {
    echo "fail php           PHP 7.4 or newer, with the extension json, is needed\n";
    exit(2);
}
require_once __DIR__ . '/autoload.php';
Transmit\Profiler::discard(); // no profile of this page
if (PHP_SAPI === 'cli') {
    exit(Transmit\Doctor\Program::command(array_slice($argv, 1)));
}
Transmit\Doctor\Program::page();
