<?php

/**
 * What the PHP functions cost: native, plain, and the pure-PHP transmitter that the library replaces.
 *
 *     TRANSMIT_LIBRARY=… BENCH_PHP=… BENCH_REFERENCE=… php -d ffi.enable=1 \\
 *         -d opcache.enable_cli=1 -d opcache.file_update_protection=0 bench.php FOLDER [ROW…]
 *
 * In one process, one call of each way in turn. main.go says what is printed.
 */

require __DIR__ . '/functions.php';
require __DIR__ . '/rows.php';

$folder = $argv[1];
$buffer = "$folder/b";
ini_set('error_log', "$folder/log");
$reference = getenv('BENCH_REFERENCE') ?: __DIR__ . '/peer.php';
echo "# reference: ", basename($reference), "\n";
$ways = load_ways(getenv('BENCH_PHP') ?: dirname(__DIR__, 2) . '/php', $reference);
$all = ['process', 'forked', 'socket', 'small', '26k', 'cut', 'disk', 'workers', 'wedged', 'cleanup'];
foreach (array_slice($argv, 2) ?: $all as $row) {
    ('measure_' . $row)($ways);
}
