<?php

/**
 * A listener: binds a Unix datagram socket and prints a few words about each profile.
 *
 *     php listen.php SOCKET [BUFFER_DIRECTORY]
 *
 * With a buffer directory, it begins with the profiles that were written there while
 * no listener was, oldest first, and removes them.
 */

require_once __DIR__ . '/Listener.php';

$listener = new Transmit\Demo\Listener($argv[1]);
if (isset($argv[2])) {
    $listener->emptyBuffer($argv[2]);
}
$listener->run();
