<?php

/**
 * Writes a profile to a slow disk and ends at once, in the way that the argument names.
 */

require __DIR__ . '/config.php';
require dirname(__DIR__, 3) . '/php/transmitter.php';

$end = $argv[1];
if ($end === 'in a shutdown function') {
    register_shutdown_function(static function (): void {
        send_profiling_data(['id' => '1']);
        exit(3);
    });
    exit;
}
send_profiling_data(['id' => '1']);
switch ($end) {
    case 'exit':
        exit(3);
    case 'an exception':
        throw new Exception('not caught');
    case 'out of memory':
        ini_set('memory_limit', '16M');
        str_repeat('x', 100000000);
        break;
    case 'a fatal error':
        eval('function twice() {} function twice() {}');
}
