<?php

/**
 * A page that makes the call that TEST_CALL names, once, and prints the result.
 */

require __DIR__ . '/config.php';
require dirname(__DIR__, 3) . '/php/transmitter.php';

$functions = array_fill(0, 2000, ['function' => str_repeat('f', 100), 'wt' => 1]);
$calls = [
    // The library, on a busy machine: not counted, but the next call is not in plain PHP.
    'start' => static function (): bool {
        for ($i = 0; $i < 100 && Transmit\Native::configure(Transmit\Settings::current()) !== 0; $i++) {
            usleep(10000);
        }
        return true;
    },
    'send' => static function (): bool {
        return send_profiling_data(['id' => uniqid()]);
    },
    'cut' => static function () use ($functions): bool {
        return send_profiling_data(['id' => uniqid(), 'xhprof' => ['profiling' => ['top_functions' => $functions]]]);
    },
    'empty' => static function (): bool {
        return send_via_socket('', getenv('TEST_SOCKET'));
    },
    'replay' => static function (): int {
        return replay_disk_buffer(0, 2000000);
    },
];
echo json_encode($calls[getenv('TEST_CALL')]()), "\n";
