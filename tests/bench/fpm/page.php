<?php

/**
 * A page of about two milliseconds, with the profiler ("?on") or without it.
 */

function get_profiling_config(): array
{
    $folder = getenv('BENCH_FOLDER');
    return ['listener_socket' => "$folder/s", 'buffer_dirs' => ["$folder/b"]];
}

if (isset($_GET['on'])) {
    require getenv('BENCH_PHP') . '/auto_prepend.php';
}

$words = [];
for ($i = 0; $i < 2000; $i++) {
    $words[md5((string) $i)] = strrev(sprintf('%05d', $i));
}
asort($words);
echo count($words), "\n";
