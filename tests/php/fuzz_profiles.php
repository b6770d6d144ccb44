<?php

namespace Fuzz;

/**
 * A random profile, by a seed.
 */
final class Profile extends Maker
{
    /** Up to this size, json_encode takes milliseconds: it is asked what is right. */
    private const SMALL = 200000;

    private const FUNCTIONS = 50;
    private const QUERIES = 100;

    /** The size of a query or function: with the most that are cut here, a profile is small. */
    private const ROW = 30;
    private const CUT = 5000;

    public array $data = [];

    /** @var array $data with the lists of "sql" and "xhprof" cut */
    public array $cut;

    /** @var array<string, true> the marks of $cut */
    public array $marks = [];

    public int $maxDatagramSize;

    /** Where memory_limit matters: the bytes that it leaves. */
    public int $memoryLeft;

    private float $total = 0;

    public function __construct(int $seed)
    {
        mt_srand($seed);
        $this->hasObjects = mt_rand(0, 2) > 0;
        $isOneMap = mt_rand(0, 9) === 0;
        if ($isOneMap) {
            $this->data = $this->added($this->make('many', 0));
        }
        for ($i = $isOneMap ? 0 : mt_rand(1, 2); $i > 0; $i--) {
            $this->data[self::name()] = $this->added($this->composite(mt_rand(0, 3)));
        }
        if ($this->hasObjects && mt_rand(0, 3) === 0) {
            $this->data['ring'] = $this->added($this->make('ring', 0));
        }
        $this->cut = $this->data;
        if (!$isOneMap && mt_rand(0, 1) === 0) {
            $this->addQueries();
            $this->addFunctions();
        }
        $this->maxDatagramSize = self::oneOf([65507, 20000, 4000]);
        $this->memoryLeft = mt_rand(4, 8) << 20;
    }

    public function isSmall(): bool
    {
        return $this->total <= self::SMALL;
    }

    public function has(string $kind): bool
    {
        return strpos($this->recipe, " $kind") !== false;
    }

    /**
     * @param mixed $value made last
     * @return mixed
     */
    private function added($value)
    {
        $this->total += $this->size;
        return $value;
    }

    /**
     * Fields in an object or in an array. The first three kinds are a map in JSON, also with the fields of a list.
     *
     * @return mixed
     */
    private static function held(int $kind, array $fields)
    {
        switch ($kind) {
            case 0:
                return (object) $fields;
            case 1:
                return new \ArrayObject($fields);
            case 2:
                return new Serializable(new Serializable((object) $fields));
            case 3:
                return new Serializable($fields);
        }
        return $fields;
    }

    private function kind(): int
    {
        return $this->hasObjects ? mt_rand(0, 6) : 4;
    }

    private function addQueries(): void
    {
        $this->recipe .= ' sql';
        if (mt_rand(0, 3) === 0) {
            $this->total = INF;
            $this->data['sql'] = $this->cut['sql'] = self::largeSql(mt_rand(0, 2));
            return;
        }
        $count = self::oneOf([0, 99, 100, 101, 130, 249, 250, 251, 400, self::CUT]);
        $queries = array_fill(0, $count, ['sql' => 'select 1', 'n' => 0]);
        $times = array_fill(0, $count, 0);
        $hasTimes = mt_rand(0, 3) > 0;
        for ($i = 0; $i < min($count, 400); $i++) {
            $place = mt_rand(0, $count - 1);
            [$given, $times[$place]] = $hasTimes ? self::time() : [[], 0];
            $queries[$place] = self::held($this->kind(), ['sql' => self::shortText(), 'n' => $i] + $given);
        }
        $this->total += self::ROW * $count;
        $kind = $this->kind();
        $this->data['sql'] = self::held($kind, ['n' => 1] + ['queries' => self::held($this->kind(), $queries)]);
        $this->cut['sql'] = $this->data['sql'];
        if ($count > self::QUERIES) {
            $this->cut['sql'] = self::held($kind, ['n' => 1] + ['queries' => self::slowest($queries, $times)]);
            $this->marks['sql_truncated'] = true;
        }
    }

    /** Two million queries, without and with "time_ms", and a million other fields. */
    private static function largeSql(int $kind): array
    {
        return self::once("sql $kind", static function () use ($kind): array {
            $queries = array_fill(0, $kind < 2 ? 2000000 : 101, ['sql' => 'select 1']);
            for ($i = 0; $i < count($queries) && $kind === 1; $i += 1000) {
                $queries[$i]['time_ms'] = $i;
            }
            return ['queries' => $queries] + ($kind < 2 ? [] : range(1, 1000000));
        });
    }

    /** @return array{array, float} "time_ms", and for what it counts */
    private static function time(): array
    {
        $time = self::oneOf([0, 1, 1.5, 2, '3', -1, 1e9, 'x', null, NAN, INF]);
        return [['time_ms' => $time], is_numeric($time) && is_finite((float) $time) ? (float) $time : 0.0];
    }

    private static function slowest(array $queries, array $times): array
    {
        $places = array_keys($times);
        array_multisort($times, SORT_DESC, SORT_NUMERIC, $places, SORT_ASC, SORT_NUMERIC);
        return array_map(static function (int $place) use ($queries) {
            return $queries[$place];
        }, array_slice($places, 0, self::QUERIES));
    }

    private function addFunctions(): void
    {
        $this->recipe .= ' xhprof';
        $count = self::oneOf([0, 49, 50, 51, 300, self::CUT]);
        $functions = array_fill(self::oneOf([0, 0, 3]), $count, ['function' => self::shortText(), 'n' => 1]);
        $this->total += self::ROW * $count;
        if (mt_rand(0, 1) === 0) {
            $functions['last'] = $this->added($this->make($this->hasObjects ? 'acting' : 'scalar', 0));
        }
        $inner = $this->kind();
        $outer = $this->kind();
        $xhprof = static function ($functions) use ($outer) {
            return self::held($outer, ['a' => 1, 'profiling' => self::held($outer, ['top_functions' => $functions])]);
        };
        $this->data['xhprof'] = $this->cut['xhprof'] = $xhprof(self::held($inner, $functions));
        if (count($functions) > self::FUNCTIONS) {
            $isMap = $inner < 3 || !isset($functions[0]) || array_key_exists('last', $functions);
            $first = array_slice($functions, 0, self::FUNCTIONS, true);
            $this->cut['xhprof'] = $xhprof($isMap ? (object) $first : $first);
            $this->marks = ['truncated' => true] + $this->marks;
        }
    }
}
