<?php

namespace Transmit;

use function count;
use function is_array;

/**
 * Plans how to shrink a profile that is too large for a datagram: to the first 50 top functions and the 100 slowest
 * queries. "_meta" gets a mark for each list that was shortened.
 */
final class ShrinkPlan
{
    private const FUNCTIONS = 50;
    private const QUERIES = 100;

    /** When there are so many candidates, only the slowest of them are kept. */
    private const CANDIDATES = 250;

    /** If "sql" or "xhprof" has more fields than this, it is neither copied nor shrunk. */
    private const FIELDS = 10000;

    /** @var array<string, mixed> fields of the profile that replace those of the same name */
    public array $instead = [];

    /** @var array<string, mixed> for "_meta" */
    public array $marks = [];

    private Serialized $serialized;
    private Deadline $until;

    /** @param Deadline $until the end of the search for the slowest queries */
    public function __construct(array $data, Serialized $serialized, Deadline $until)
    {
        $this->serialized = $serialized;
        $this->until = $until;
        $this->shrinkFunctions($data['xhprof'] ?? null);
        $this->shrinkQueries($data['sql'] ?? null);
    }

    /** @param mixed $xhprof */
    private function shrinkFunctions($xhprof): void
    {
        $xhprof = $this->fields($xhprof);
        $profiling = $this->fields($xhprof['profiling'] ?? null);
        $functions = $this->items($profiling['top_functions'] ?? null);
        if ($functions === null || $this->hasNoMore($functions, self::FUNCTIONS)) {
            return;
        }
        $profiling['top_functions'] = $this->first($functions);
        $xhprof['profiling'] = $profiling;
        $this->instead['xhprof'] = $xhprof;
        $this->marks['truncated'] = true;
    }

    /** @param mixed $sql */
    private function shrinkQueries($sql): void
    {
        $sql = $this->fields($sql);
        $queries = $this->items($sql['queries'] ?? null);
        if ($queries === null || $this->hasNoMore($queries, self::QUERIES)) {
            return;
        }
        $sql['queries'] = $this->slowest($queries);
        $this->instead['sql'] = $sql;
        $this->marks['sql_truncated'] = true;
    }

    /**
     * Returns the fields that an array or an object has in JSON.
     *
     * @param mixed $value
     * @return array<mixed>|null null: it has none, or too many to copy
     */
    private function fields($value): ?array
    {
        $items = $this->items($value);
        if ($items === null || !$this->hasNoMore($items, self::FIELDS)) {
            return null;
        }
        return is_array($items) ? $items : self::publicOnly((array) $items);
    }

    /** @return array<mixed> */
    private static function publicOnly(array $fields): array
    {
        return array_filter($fields, [ObjectFields::class, 'isPublic'], ARRAY_FILTER_USE_KEY);
    }

    /**
     * @param mixed $value
     * @return array<mixed>|\stdClass|null items to iterate; null: it is neither an array nor an object in JSON
     */
    private function items($value)
    {
        for ($times = 0; $value instanceof \JsonSerializable && $times < Encoder::MAX_DEPTH; $times++) {
            $result = $this->serialized->of($value);
            if ($result === $value) {
                break;
            }
            $value = $result;
        }
        if (!is_object($value)) {
            return is_array($value) ? $value : null;
        }
        $fields = ObjectFields::of($value);
        return is_array($fields) ? (object) self::publicOnly($fields) : $fields;
    }

    /** @param array<mixed>|\stdClass $items */
    private function hasNoMore($items, int $limit): bool
    {
        if (is_array($items)) {
            return count($items) <= $limit;
        }
        foreach ($items as $item) {
            if (--$limit < 0) {
                return false;
            }
        }
        return true;
    }

    /**
     * @param array<mixed>|\stdClass $all
     * @return array<mixed>|\stdClass an object if it is a map whose first keys are 0, 1, 2 …, which must stay a map
     */
    private function first($all)
    {
        $kept = [];
        foreach ($all as $key => $item) {
            $kept[$key] = $item;
            if (count($kept) === self::FUNCTIONS) {
                break;
            }
        }
        $isLikeAList = array_keys($kept) === range(0, self::FUNCTIONS - 1);
        return $isLikeAList && !(is_array($all) && Encoder::isList($all, $this->until)) ? (object) $kept : $kept;
    }

    /**
     * Returns the slowest queries, slowest first; equally slow ones in their old order. If time is up, the rest is not
     * examined, and a mark says how many were.
     *
     * @param array<mixed>|\stdClass $queries
     * @return list<mixed>
     */
    private function slowest($queries): array
    {
        $times = $candidates = [];
        $floor = -INF;
        $place = -1;
        foreach ($queries as $query) {
            if (++$place % 1024 === 1023 && $this->until->isOver()) {
                $this->marks['sql_queries_examined'] = $place;
                break;
            }
            $time = is_array($query) ? $query['time_ms'] ?? 0 : $this->timeOf($query);
            if ($time <= $floor && $floor >= 0) { // a value that is not a number counts as 0
                continue;
            }
            if ($time !== (float) $time || $time - $time !== 0.0) { // a finite float needs no call
                $time = self::number($time);
            }
            if ($time > $floor) {
                $times[] = $time;
                $candidates[] = $query;
                if (count($times) === self::CANDIDATES) {
                    [$times, $candidates] = self::largest($times, $candidates);
                    $floor = end($times);
                }
            }
        }
        return self::largest($times, $candidates)[1];
    }

    /**
     * @param mixed $query
     * @return mixed
     */
    private function timeOf($query)
    {
        if (!is_object($query)) {
            return 0;
        }
        $fields = $this->items($query);
        return is_array($fields) ? $fields['time_ms'] ?? 0 : $fields->time_ms ?? 0;
    }

    /**
     * Sorts by place, too, because PHP's sorts are stable only since 8.0.
     *
     * @param list<float> $times
     * @param list<mixed> $queries with these times
     * @return array{list<float>, list<mixed>} the largest times and their queries, in order
     */
    private static function largest(array $times, array $queries): array
    {
        $places = array_keys($times);
        array_multisort($times, SORT_DESC, SORT_NUMERIC, $places, SORT_ASC, SORT_NUMERIC, $queries);
        return [array_slice($times, 0, self::QUERIES), array_slice($queries, 0, self::QUERIES)];
    }

    /** @param mixed $time */
    private static function number($time): float
    {
        // json_encode writes 0 for a number that is not finite.
        return is_numeric($time) && is_finite((float) $time) ? (float) $time : 0.0;
    }
}
