<?php

/**
 * For auto_prepend_file: the profiler, with a ledger around the one call that sends.
 *
 * A line of the ledger is one append to a file of the worker's own: what is written
 * stays when the worker is killed, and a call that it was killed in has no "end".
 */

namespace Transmit;

require __DIR__ . '/config.php';

/** Profiler.php is in this namespace, and so finds this before the global one. */
function send_profiling_data(array $data): bool
{
    $id = $data['correlation_id'];
    $data['pad'] = str_repeat('x', pad_size());
    $ledger = fopen(getenv('TEST_LEDGER') . '/' . getmypid(), 'ab');
    fwrite($ledger, "begin $id\n");
    [$start, $waited] = [hrtime(true), waited()];
    $sent = \send_profiling_data($data);
    [$took, $waited] = [intdiv(hrtime(true) - $start, 1000), intdiv(waited() - $waited, 1000)];
    fwrite($ledger, "end $id " . (int) $sent . " $took $waited " . ($sent ? '' : Native::lastError()) . "\n");
    fclose($ledger);
    return $sent;
}

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

require dirname(__DIR__, 3) . '/php/auto_prepend.php';
