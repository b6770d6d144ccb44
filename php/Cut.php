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
    private const CANDIDATES = 1000;

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
        $times = [];
        $floor = -INF;
        foreach ($queries as $key => $query) {
            $time = self::time($query);
            if ($time > $floor) {
                $times[$key] = $time;
                if (count($times) === self::CANDIDATES) {
                    $times = self::largest($times);
                    $floor = end($times);
                }
            }
        }
        $slowest = [];
        foreach (self::largest($times) as $key => $time) {
            $slowest[] = $queries[$key];
        }
        return $slowest;
    }

    /**
     * PHP's sorts are stable only since 8.0, so the place counts as a second key.
     *
     * @param array<int|string, float> $times in their old order
     * @return array<int|string, float> the largest, in order
     */
    private static function largest(array $times): array
    {
        $keys = array_keys($times);
        $places = array_keys($keys);
        $sorted = array_values($times);
        array_multisort($sorted, SORT_DESC, SORT_NUMERIC, $places, SORT_ASC, SORT_NUMERIC);
        $largest = [];
        foreach (array_slice($places, 0, self::QUERIES) as $place) {
            $largest[$keys[$place]] = $times[$keys[$place]];
        }
        return $largest;
    }

    /** @param mixed $query */
    private static function time($query): float
    {
        $time = is_array($query) ? $query['time_ms'] ?? 0 : 0;
        // json_encode writes 0 for what is not finite.
        return is_numeric($time) && is_finite((float) $time) ? (float) $time : 0.0;
    }
}
