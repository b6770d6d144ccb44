<?php

/**
 * A page of about two milliseconds, "ms" of the query times as much, with the profiler as the query's "way" says. The
 * ways of LEAST have no profiler, but only the least of what it does.
 */

const WAYS = [
    'off' => [],
    'on' => ['profiler' => 'none'], // to measure functions has its own price, which is the extension's
    'excimer' => ['profiler' => 'excimer'],
    'unsampled' => ['sample_rate' => 0],
];

const LEAST = [
    'least' => 'send_text',
    'reads' => 'get_profiling_config',
    'sampler' => 'sample',
    'profile' => 'send_profile',
    'samples' => 'send_samples',
];

function get_profiling_config(): array
{
    $folder = getenv('BENCH_FOLDER');
    return ['listener_socket' => "$folder/s", 'buffer_dirs' => ["$folder/b"]] + (WAYS[$_GET['way']] ?? []);
}

if (isset(WAYS[$_GET['way']]) && $_GET['way'] !== 'off') {
    require getenv('BENCH_PHP') . '/auto_prepend.php';
} elseif (isset(LEAST[$_GET['way']])) {
    require __DIR__ . '/least.php';
    (LEAST[$_GET['way']])();
}

for ($time = 0; $time < ($_GET['ms'] ?? 2); $time += 2) {
    $words = [];
    for ($i = 0; $i < 2000; $i++) {
        $words[md5((string) $i)] = strrev(sprintf('%05d', $i));
    }
    asort($words);
}
echo count($words), "\n";
