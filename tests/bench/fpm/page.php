<?php

/**
 * A page of about two milliseconds, "ms" of the query times as much, with the profiler as the query's "way" says.
 */

const WAYS = [
    'off' => [],
    'on' => ['profiler' => 'none'], // to measure functions has its own price, which is the extension's
    'excimer' => ['profiler' => 'excimer'],
    'unsampled' => ['sample_rate' => 0],
];

function get_profiling_config(): array
{
    $folder = getenv('BENCH_FOLDER');
    return ['listener_socket' => "$folder/s", 'buffer_dirs' => ["$folder/b"]] + WAYS[$_GET['way']];
}

if ($_GET['way'] !== 'off') {
    require getenv('BENCH_PHP') . '/auto_prepend.php';
}

for ($time = 0; $time < ($_GET['ms'] ?? 2); $time += 2) {
    $words = [];
    for ($i = 0; $i < 2000; $i++) {
        $words[md5((string) $i)] = strrev(sprintf('%05d', $i));
    }
    asort($words);
}
echo count($words), "\n";
