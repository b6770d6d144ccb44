<?php

/**
 * Writes a small and a large profile to the disk, asks for the counts, and says whether
 * each file is there.
 */

require __DIR__ . '/config.php';
require dirname(__DIR__, 3) . '/php/transmitter.php';

ini_set('error_log', '/dev/null');
$written = [];
foreach ([10, 1 << 20] as $size) {
    $written[] = (int) write_to_disk_buffer(json_encode(['id' => '1', 'pad' => str_repeat('x', $size)]));
    get_transmit_stats();
}
send_profiling_data(['id' => '2']);
echo implode(' ', $written), ' alive';
