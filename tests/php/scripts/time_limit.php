<?php

/**
 * Reaches max_execution_time (SIGPROF) during its sends, and sends its last profile from a shutdown function. Prints
 * the number of each call before it makes the call.
 */

require __DIR__ . '/config.php';
require dirname(__DIR__, 3) . '/php/transmitter.php';

register_shutdown_function(function (): void {
    echo send_profiling_data(['id' => 'last']) ? 'sent' : 'not sent', "\n";
});
$large = array_fill(0, 3000, ['fn' => 'Application\\Module::method', 'wt' => 12345, 'ct' => 3]);
set_time_limit(1);
for ($n = 0; true; $n++) {
    echo "$n\n";
    switch ($n % 3) {
        case 0:
            send_profiling_data(['id' => "busy$n"]);
            break;
        case 1:
            send_profiling_data(['id' => "busy$n", 'xhprof' => ['profiling' => ['top_functions' => $large]]]);
            break;
        default:
            write_to_disk_buffer("{\"id\":\"busy$n\"}");
    }
}
