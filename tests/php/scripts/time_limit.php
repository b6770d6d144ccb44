<?php

/**
 * Runs into max_execution_time, which is a SIGPROF, in the midst of its sends, and
 * sends its last profile from a shutdown function.
 */

require __DIR__ . '/config.php';
require dirname(__DIR__, 3) . '/php/transmitter.php';

register_shutdown_function(function (): void {
    echo send_profiling_data(['id' => 'last']) ? 'sent' : 'not sent', "\n";
});
set_time_limit(1);
while (true) {
    send_profiling_data(['busy' => true, 'id' => 'busy']);
}
