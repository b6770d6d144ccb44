<?php

/**
 * For auto_prepend_file: the profiler, whose profile is discarded, and one profile that is written to a ledger.
 *
 * A line of the ledger is one append to a file of the worker's own: what is written
 * stays when the worker is killed, and a call that it was killed in has no "end".
 */

namespace Transmit\Test;

use Transmit\Native;
use Transmit\Profiler;

require __DIR__ . '/config.php';
require dirname(__DIR__, 3) . '/php/auto_prepend.php';

register_shutdown_function(static function (): void {
    Profiler::discard();
    require_once dirname(__DIR__, 3) . '/php/transmitter.php';
    $id = bin2hex(random_bytes(8));
    $data = ['correlation_id' => $id, 'url' => $_SERVER['REQUEST_URI'], 'pad' => str_repeat('x', pad_size())];
    $ledger = fopen(getenv('TEST_LEDGER') . '/' . getmypid(), 'ab');
    fwrite($ledger, "begin $id " . strlen($data['pad']) . "\n");
    [$start, $waited] = [hrtime(true), waited()];
    $sent = send_profiling_data($data);
    [$took, $waited] = [intdiv(hrtime(true) - $start, 1000), intdiv(waited() - $waited, 1000)];
    fwrite($ledger, "end $id " . (int) $sent . " $took $waited " . ($sent ? '' : Native::lastError()) . "\n");
    fclose($ledger);
});

/** For how many nanoseconds this process could have run and there was no CPU for it. */
function waited(): int
{
    return (int) explode(' ', (string) file_get_contents('/proc/self/schedstat'))[1];
}

/** Most are small, some nearly fill a datagram, a few are too large for one. */
function pad_size(): int
{
    $dice = random_int(1, 100);
    return $dice > 10 ? random_int(0, 2000) : ($dice > 2 ? random_int(20000, 60000) : 200000);
}
