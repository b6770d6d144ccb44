<?php

/**
 * Sends the generated profiles through the transmitter that the argument names.
 */

require __DIR__ . '/documents.php';
if (strpos($argv[1], 'reference') === false) {
    require __DIR__ . '/config.php';
}
require $argv[1];

for ($n = 0; $n < 200; $n++) {
    send_profiling_data(document($n));
    usleep(300); // the listener's queue is short
}
