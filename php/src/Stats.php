<?php

namespace Transmit;

/**
 * The counters of the library: transmit_stats() of transmit.h.
 */
final class Stats
{
    /**
     * process, pool, pool_error and go as in transmit.h. Plain PHP counts nothing: without the library, process and
     * pool are null, and plain_because says why.
     *
     * @return array{process: array|null, pool: array|null, pool_error: string, plain_because: string}
     */
    public static function get(Settings $settings): array
    {
        $stats = (array) json_decode(Native::stats($settings), true);
        return $stats + ['process' => null, 'pool' => null, 'pool_error' => '', 'plain_because' => Native::why()];
    }
}
