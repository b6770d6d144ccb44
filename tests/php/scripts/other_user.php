<?php

/**
 * Writes a profile as root, as the user that the argument names, and as root again.
 * Prints whether each was written.
 */

require __DIR__ . '/config.php';
require dirname(__DIR__, 3) . '/php/transmitter.php';

foreach ([0, (int) $argv[1], 0] as $n => $user) {
    posix_seteuid($user);
    echo write_to_disk_buffer("{\"id\":\"$n\"}") ? 'written' : 'not written', "\n";
}
