<?php

/**
 * One request of one thread: sends a profile and says how, as WHO. With TEST_SECONDS it goes on, without
 * end, until the request's time is up, which it says of the last profile, too.
 */

require __DIR__ . '/config.php';
require dirname(__DIR__, 3) . '/php/transmitter.php';

function report(string $id): void
{
    $sent = send_profiling_data(['id' => $id, 'pad' => str_repeat('x', 1000)]);
    // In one write(2), for the threads share the output.
    echo "$id " . ($sent ? 'sent ' : 'not-sent ') . check_listener_socket()['mode'] . "\n";
}

if (!getenv('TEST_SECONDS')) {
    report(WHO);
    return;
}
register_shutdown_function(static function (): void {
    report(WHO . '-last');
});
set_time_limit((int) getenv('TEST_SECONDS'));
for ($n = 0; true; $n++) {
    echo WHO . "-$n busy -\n";
    if ($n % 2 === 0) {
        send_profiling_data(['id' => WHO . "-$n"]);
    } else {
        write_to_disk_buffer('{"id":"' . WHO . "-$n\"}");
    }
}
