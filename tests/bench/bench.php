<?php

/**
 * What send_profiling_data() costs: native, plain, and the pure-PHP transmitter that the
 * library replaces, if it lies at $argv[3]. Rounds of all ways, in turn, in one process.
 * Prints a line "bytes way nanoseconds" with each way's median.
 *
 *     php bench.php SOCKET PHP_FOLDER [REFERENCE]
 */

require __DIR__ . '/functions.php';

[, $socket, $php] = $argv;
require "$php/transmitter.php";

$listener = stream_socket_server("udg://$socket", $number, $error, STREAM_SERVER_BIND);
$ways = ways($argv[3] ?? null);
foreach ([1, 20, 200, 550] as $queries) {
    $profile = profile($queries);
    $samples = [];
    for ($round = 0; $round < ROUNDS; $round++) {
        foreach ($ways as $way => $send) {
            $config = ['listener_socket' => $socket, 'library' => $way === 'plain' ? '' : null];
            if ($way === 'native' && ($why = check_listener_socket()['plain_because']) !== '') {
                exit("not native: $why\n");
            }
            $samples[$way] = array_merge($samples[$way] ?? [], measure($send, $profile, $listener));
        }
    }
    foreach ($samples as $way => $all) {
        printf("%d %s %d\n", strlen(json_encode($profile, JSON_UNESCAPED_SLASHES)), $way, median($all));
    }
}
