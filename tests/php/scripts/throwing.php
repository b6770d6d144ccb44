<?php

/**
 * Sends while another process sends SIGALRM, whose handler throws if the signal comes during a call.
 * Prints how often it threw, how often that was caught here, then each id, and whether
 * an exception came out of its call.
 */

require __DIR__ . '/config.php';
require dirname(__DIR__, 3) . '/php/transmitter.php';

final class Alarm extends Exception
{
}

$calling = false;
$thrown = $caught = 0;
pcntl_async_signals(true);
pcntl_signal(SIGALRM, static function () use (&$calling, &$thrown): void {
    if ($calling) {
        $calling = false;
        $thrown++;
        throw new Alarm('not for the transmitter');
    }
});
$functions = array_fill(0, 3000, ['fn' => 'Application\\Module::method', 'wt' => 12345, 'ct' => 3]);
$calls = [
    'small' => static function (string $id): void {
        send_profiling_data(['id' => $id]);
    },
    'large' => static function (string $id) use ($functions): void {
        send_profiling_data(['id' => $id, 'xhprof' => ['profiling' => ['top_functions' => $functions]]]);
    },
    'disk' => static function (string $id): void {
        write_to_disk_buffer("{\"id\":\"$id\"}");
    },
];

echo "ready\n";
$ids = [];
for ($end = hrtime(true) + $argv[1] * 1e9, $n = 0; hrtime(true) < $end; $n++) {
    foreach ($calls as $kind => $call) {
        $ids["$kind.$n"] = 'returned';
        try {
            $calling = true;
            $call("$kind.$n");
            $calling = false;
        } catch (Alarm $e) {
            $caught++;
            $ids["$kind.$n"] = 'threw';
        }
    }
    // The listener's queue is short. A signal is not to end the pause: the next one would come in the next pause.
    for ($until = hrtime(true) + 500000; hrtime(true) < $until;) {
        usleep(100);
    }
}
pcntl_async_signals(false);
echo "$thrown $caught\n";
foreach ($ids as $id => $end) {
    echo "$id $end\n";
}
echo "end\n";
while (!feof(STDIN)) { // a signal that comes after the handler's end would end the process
    fgets(STDIN);
}
