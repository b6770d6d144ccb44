<?php

/**
 * Sends one profile and writes one, under the umask that the argument names. Prints what
 * each call returned and how many milliseconds it took.
 */

require __DIR__ . '/config.php';
require dirname(__DIR__, 3) . '/php/transmitter.php';

umask(octdec($argv[1]));
$calls = [
    static function (): bool {
        return send_profiling_data(['id' => 'sent']);
    },
    static function (): bool {
        return write_to_disk_buffer('{"id":"written"}');
    },
];
foreach ($calls as $call) {
    $start = hrtime(true);
    $result = $call();
    echo (int) $result, ' ', intdiv(hrtime(true) - $start, 1000000), "\n";
}
