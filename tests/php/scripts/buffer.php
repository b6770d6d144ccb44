<?php

/**
 * write N: writes N profiles to the disk. replay: sends the buffered ones. Prints how many.
 */

require __DIR__ . '/config.php';
require dirname(__DIR__, 3) . '/php/transmitter.php';

$done = 0;
if ($argv[1] === 'write') {
    for ($i = 0; $i < (int) $argv[2]; $i++) {
        $done += (int) write_to_disk_buffer(sprintf('{"id":"%d.%d"}', getmypid(), $i));
    }
} else {
    for ($try = 0; $try < 200; $try++) {
        $done += replay_disk_buffer(0, 1000000);
    }
}
echo $done;
