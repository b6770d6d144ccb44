<?php

namespace Transmit;

/**
 * Cuts a profile that is too large for a datagram: the first 50 top functions, the 100
 * slowest queries, and a mark in "_meta" where something was cut.
 */
final class Cut
{
    private const FUNCTIONS = 50;
    private const QUERIES = 100;

    /** So many candidates are collected before the slowest of them are picked again. */
    private const CANDIDATES = 250;

    public static function apply(array $data): array
    {
        return self::cutQueries(self::cutFunctions($data));
    }

    private static function cutFunctions(array $data): array
    {
        $profiling = is_array($data['xhprof'] ?? null) ? $data['xhprof']['profiling'] ?? null : null;
        $functions = is_array($profiling) ? $profiling['top_functions'] ?? null : null;
        if (!is_array($functions) || count($functions) <= self::FUNCTIONS) {
            return $data;
        }
        $data['xhprof']['profiling']['top_functions'] = self::first($functions);
        return self::mark($data, 'truncated');
    }

    /** @return array|\stdClass a map whose first keys are 0, 1, 2 … stays a map */
    private static function first(array $all)
    {
        $kept = array_slice($all, 0, self::FUNCTIONS, true);
        return array_keys($kept) === range(0, self::FUNCTIONS - 1) && !Encoder::isList($all) ? (object) $kept : $kept;
    }

    private static function cutQueries(array $data): array
    {
        $queries = is_array($data['sql'] ?? null) ? $data['sql']['queries'] ?? null : null;
        if (!is_array($queries) || count($queries) <= self::QUERIES) {
            return $data;
        }
        $data['sql']['queries'] = self::slowest($queries);
        return self::mark($data, 'sql_truncated');
    }

    private static function mark(array $data, string $name): array
    {
        $meta = is_array($data['_meta'] ?? null) ? $data['_meta'] : [];
        $meta[$name] = true;
        $data['_meta'] = $meta;
        return $data;
    }

    /** The slowest, slowest first; of equally slow ones, those that came first. */
    private static function slowest(array $queries): array
    {
        $queries = array_values($queries);
        $candidates = [];
        $floor = -INF;
        foreach (self::times($queries) as $place => $time) {
            if ($time <= $floor && $floor >= 0) { // what is no number counts as 0
                continue;
            }
            if ($time !== (float) $time || $time - $time !== 0.0) { // a finite one needs no call
                $time = self::number($time);
            }
            if ($time > $floor) {
                $candidates[$place] = $time;
                if (count($candidates) === self::CANDIDATES) {
                    $candidates = self::largest($candidates);
                    $floor = end($candidates);
                }
            }
        }
        $slowest = [];
        foreach (self::largest($candidates) as $place => $time) {
            $slowest[] = $queries[$place];
        }
        return $slowest;
    }

    /** @return list<mixed> each query's time_ms */
    private static function times(array $queries): array
    {
        $times = array_column($queries, 'time_ms'); // leaves out those that have none
        if (count($times) === count($queries)) {
            return $times;
        }
        return array_map(static function ($query) {
            return array_column([$query], 'time_ms')[0] ?? 0;
        }, $queries);
    }

    /**
     * PHP's sorts are stable only since 8.0, so the place counts as a second key.
     *
     * @param array<int, float> $times by place
     * @return array<int, float> the largest, in order
     */
    private static function largest(array $times): array
    {
        $places = array_keys($times);
        array_multisort($times, SORT_DESC, SORT_NUMERIC, $places, SORT_ASC, SORT_NUMERIC);
        return array_slice(array_combine($places, $times), 0, self::QUERIES, true);
    }

    /** @param mixed $time */
    private static function number($time): float
    {
        // json_encode writes 0 for what is not finite.
        return is_numeric($time) && is_finite((float) $time) ? (float) $time : 0.0;
    }
}
