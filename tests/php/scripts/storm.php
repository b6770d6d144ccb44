<?php

/**
 * Sends, shrinks and writes for some seconds while another process sends signals, for which it has handlers. Prints
 * how many profiles it sent or wrote.
 */

require __DIR__ . '/config.php';
require dirname(__DIR__, 3) . '/php/transmitter.php';

$handled = 0;
pcntl_async_signals(true);
foreach ([SIGALRM, SIGPROF, SIGCHLD] as $signal) {
    pcntl_signal($signal, function () use (&$handled): void {
        $handled++;
    });
}
$functions = array_fill(0, 20000, ['fn' => 'Application\\Module::method', 'wt' => 12345, 'ct' => 3]);

echo "ready\n";
$given = $sent = 0;
for ($end = hrtime(true) + $argv[1] * 1e9; hrtime(true) < $end; $given += 12) {
    for ($i = 0; $i < 10; $i++) {
        $sent += (int) send_profiling_data(['id' => 'small ' . ($given + $i)]);
    }
    $sent += (int) send_profiling_data([
        'id' => 'large ' . $given,
        'xhprof' => ['profiling' => ['top_functions' => $functions]],
    ]);
    write_to_disk_buffer('{"id":"disk ' . $given . '"}');
}
echo "$given $sent $handled\n";
