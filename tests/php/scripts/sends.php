<?php

/**
 * Each line of its input is a number of profiles to send. Prints for each profile whether it was sent, how many
 * microseconds that took, and the library's error if it was not sent.
 */

require __DIR__ . '/config.php';
require dirname(__DIR__, 3) . '/php/transmitter.php';

$serial = 0;
while (($line = fgets(STDIN)) !== false) {
    for ($end = $serial + (int) $line; $serial < $end; $serial++) {
        $start = hrtime(true);
        $sent = send_profiling_data(['id' => sprintf('%08d', $serial), 'pad' => str_repeat('x', 10000)]);
        $took = intdiv(hrtime(true) - $start, 1000);
        echo (int) $sent, " $took ", $sent ? '' : Transmit\Native::lastError(), "\n";
    }
}
