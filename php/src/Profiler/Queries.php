<?php

namespace Transmit\Profiler;

/**
 * The slowest queries of a profile, in the order in which they ran. It keeps a limited number.
 */
final class Queries
{
    private const KEPT = 1000;

    /** @var array<int, array{sql: string, time_ms: float}> by place */
    private $queries = [];

    /** @var int */
    private $count = 0;

    public function add(string $sql, float $ms): void
    {
        $this->queries[$this->count++] = ['sql' => $sql, 'time_ms' => $ms];
        if (count($this->queries) >= 2 * self::KEPT) {
            $times = array_combine(array_keys($this->queries), array_column($this->queries, 'time_ms'));
            arsort($times);
            $this->queries = array_intersect_key($this->queries, array_slice($times, 0, self::KEPT, true));
        }
    }

    /** @return array<string, mixed> for the profile; empty where no query ran */
    public function section(): array
    {
        if ($this->count === 0) {
            return [];
        }
        $queries = [];
        foreach ($this->queries as $query) {
            $queries[] = ['sql' => $query['sql'], 'time_ms' => round($query['time_ms'], 3)];
        }
        return ['sql' => ['count' => $this->count, 'queries' => $queries]];
    }
}
