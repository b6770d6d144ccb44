<?php

/**
 * One of fifty: a hundred profiles for the disk. Prints how many were written, nanoseconds of CPU time, and the bytes
 * of private memory that this took.
 */

require __DIR__ . '/functions.php';

$folder = $argv[1];
$buffer = "$folder/b";
ini_set('error_log', "$folder/log");
$GLOBALS['more'] = ['buffer_max_files' => 1000, 'timeout_us' => 5000000];
$php = getenv('BENCH_PHP') ?: dirname(__DIR__, 2) . '/php';
require "$php/transmitter.php";

function private_bytes(): int
{
    preg_match('/^RssAnon:\s+(\d+)/m', (string) file_get_contents('/proc/self/status'), $match);
    return (int) $match[1] * 1024;
}

$json = json_encode(profile(0, 2));
$written = 0;
$before = private_bytes();
$from = getrusage();
for ($i = 0; $i < 100; $i++) {
    $written += (int) write_to_disk_buffer($json);
}
$to = getrusage();
$us = 0;
foreach (['ru_utime', 'ru_stime'] as $kind) {
    $us += ($to["$kind.tv_sec"] - $from["$kind.tv_sec"]) * 1000000 + $to["$kind.tv_usec"] - $from["$kind.tv_usec"];
}
echo $written, ' ',$us * 1000, ' ', private_bytes() - $before;
