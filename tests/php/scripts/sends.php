<?php

/**
 * Sends so many profiles as each line of its input says. Prints for each one whether
 * it was sent, the microseconds that took, and the library's words if it was not.
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
