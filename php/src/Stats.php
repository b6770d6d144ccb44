<?php

namespace Transmit;

/**
 * The counters of the library: transmit_stats() of transmit.h.
 */
final class Stats
{
    /**
     * process, pool, pool_error, go as in transmit.h; null where the library cannot be used, for plain PHP
     * counts nothing: then plain_because says why.
     *
     * @return array{process: array|null, pool: array|null, pool_error: string, plain_because: string}
     */
    public static function get(Settings $settings): array
    {
        $stats = (array) json_decode(Native::stats($settings), true);
        return $stats + ['process' => null, 'pool' => null, 'pool_error' => '', 'plain_because' => Native::why()];
    }
}
