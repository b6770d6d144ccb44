<?php

namespace Transmit\Test;

use PHPUnit\Framework\TestCase;
use Transmit\ShrinkPlan;
use Transmit\Deadline;
use Transmit\Serialized;

final class ShrinkPlanTest extends TestCase
{
    /** @return iterable<string, array{mixed, string|null}> top functions, what is left in JSON (null: all) */
    public function topFunctions(): iterable
    {
        $letters = static function (int $count): array {
            return array_combine(array_map('dechex', range(0xa000, 0xa000 + $count - 1)), range(1, $count));
        };
        yield 'list of 49' => [range(1, 49), null];
        yield 'list of 50' => [range(1, 50), null];
        yield 'list of 51' => [range(1, 51), json_encode(range(1, 50))];
        yield 'map of 50' => [$letters(50), null];
        yield 'map of 51' => [$letters(51), json_encode($letters(50))];
        yield 'numbered map' => [array_fill(5, 56, 'x'), json_encode(array_fill(5, 50, 'x'))];
        yield 'map that begins like a list' => [range(0, 59) + ['x' => 1], json_encode((object) range(0, 49))];
        yield 'no list' => ['text', null];
        yield 'object of 50' => [(object) $letters(50), null];
        yield 'object of 51' => [(object) $letters(51), json_encode($letters(50))];
        yield 'numbered object' => [(object) range(0, 59), json_encode((object) range(0, 49))];
    }

    /**
     * @dataProvider topFunctions
     * @param mixed $functions
     */
    public function testTopFunctions($functions, ?string $want): void
    {
        $data = ['xhprof' => ['before' => 1, 'profiling' => ['top_functions' => $functions, 'after' => 1]]];
        foreach (self::forms($data) as $form => $data) {
            $plan = self::cut($data);
            self::assertSame($want !== null, isset($plan->marks['truncated']), $form);
            $profiling = $want === null ? [] : (array) $plan->instead['xhprof']['profiling'];
            self::assertSame($want, $want === null ? null : json_encode($profiling['top_functions']), $form);
            self::assertSame($want === null ? [] : ['top_functions', 'after'], array_keys($profiling), $form);
        }
    }

    /** @return iterable<string, array{list<mixed>, list<int>}> the first queries' time_ms, the places of the first left */
    public function queries(): iterable
    {
        yield 'slowest first' => [[1, 3, 2], [1, 2, 0]];
        yield 'ties in their old order' => [[5, 5, 7, 5], [2, 0, 1, 3]];
        yield 'numeric text' => [['9.5', 10, '1e1'], [1, 2, 0]];
        yield 'what is no number is 0' => [['fast', 1, null, true, 2], [4, 1, 0, 2, 3]];
        yield 'not finite is 0' => [[NAN, 1, INF], [1, 0, 2]];
        yield 'below 0' => [[-1, 1], [1, 2, 3]];
    }

    /** @dataProvider queries */
    public function testQueries(array $times, array $wantFirst): void
    {
        $queries = [];
        foreach (array_pad($times, 150, 0) as $place => $time) {
            $queries[] = ['place' => $place, 'time_ms' => $time];
        }
        foreach (self::forms(['sql' => ['queries' => $queries, 'after' => 1]]) as $form => $data) {
            $plan = self::cut($data);
            $kept = json_decode(json_encode($plan->instead['sql']['queries'], JSON_PARTIAL_OUTPUT_ON_ERROR), true);
            self::assertSame($wantFirst, array_slice(array_column($kept, 'place'), 0, count($wantFirst)), $form);
            self::assertCount(100, $kept, $form);
            self::assertSame(['sql_truncated' => true], $plan->marks, $form);
        }
    }

    public function testMoreThanACandidateListIsAsASort(): void
    {
        mt_srand(7);
        $queries = [];
        for ($place = 0; $place < 6000; $place++) {
            $queries["key$place"] = ['place' => $place, 'time_ms' => mt_rand(0, 500)];
        }
        $want = array_values($queries);
        usort($want, static function (array $a, array $b): int {
            return [$b['time_ms'], $a['place']] <=> [$a['time_ms'], $b['place']];
        });
        $plan = self::cut(['sql' => ['queries' => $queries]]);
        self::assertSame(array_slice($want, 0, 100), $plan->instead['sql']['queries']);
    }

    /** @return array<string, array{array}> */
    public function uncut(): array
    {
        return [
            'a hundred queries' => [['sql' => ['queries' => array_fill(0, 100, ['time_ms' => 1])]]],
            'no lists' => [['a' => 1]],
            'other shapes' => [['xhprof' => 'x', 'sql' => null]],
            'objects' => [['xhprof' => new \stdClass(), 'sql' => new \stdClass()]],
        ];
    }

    /** @dataProvider uncut */
    public function testNothingElseIsTouched(array $data): void
    {
        $plan = self::cut($data);
        self::assertSame([[], []], [$plan->instead, $plan->marks]);
    }

    public function testQueriesWithoutTimeCountAs0(): void
    {
        $queries = array_fill(0, 100, ['sql' => 'x']);
        $queries[] = 'text';
        $queries[] = ['time_ms' => 1];
        $kept = self::cut(['sql' => ['queries' => $queries]])->instead['sql']['queries'];
        self::assertSame(['time_ms' => 1], $kept[0]);
        self::assertSame(['sql' => 'x'], $kept[99]);
    }

    public function testHowManyWereExaminedIsSaidWhereTimeWasUp(): void
    {
        $queries = array_fill(0, 5000, ['time_ms' => 1]);
        $plan = new ShrinkPlan(['sql' => ['queries' => $queries]], new Serialized(), Deadline::after(hrtime(true), 0));
        self::assertSame(['sql_queries_examined' => 1023, 'sql_truncated' => true], $plan->marks);
        self::assertCount(100, $plan->instead['sql']['queries']);
    }

    private static function cut(array $data): ShrinkPlan
    {
        return new ShrinkPlan($data, new Serialized(), Deadline::after(hrtime(true), 20000000));
    }

    /** @return iterable<string, array> the same profile; objects in it are cut as arrays are */
    private static function forms(array $data): iterable
    {
        yield 'arrays' => $data;
        yield 'objects' => (array) self::asObject($data);
        $field = array_keys($data)[0];
        yield 'serializable' => [$field => new class ($data[$field]) implements \JsonSerializable {
            /** @var mixed */
            private $value;

            /** @param mixed $value */
            public function __construct($value)
            {
                $this->value = $value;
            }

            #[\ReturnTypeWillChange]
            public function jsonSerialize()
            {
                return $this->value;
            }
        }];
    }

    /**
     * @param mixed $value
     * @return mixed maps become stdClass, at all levels
     */
    private static function asObject($value)
    {
        if (!is_array($value)) {
            return $value;
        }
        $items = array_map([self::class, 'asObject'], $value);
        return array_values($items) === $items ? $items : (object) $items;
    }
}
