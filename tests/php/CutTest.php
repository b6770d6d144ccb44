<?php

namespace Transmit\Test;

use PHPUnit\Framework\TestCase;
use Transmit\Cut;

final class CutTest extends TestCase
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
        yield 'object' => [(object) $letters(51), null];
    }

    /**
     * @dataProvider topFunctions
     * @param mixed $functions
     */
    public function testTopFunctions($functions, ?string $want): void
    {
        $data = ['xhprof' => ['before' => 1, 'profiling' => ['top_functions' => $functions, 'after' => 1]]];
        $cut = Cut::apply($data);
        self::assertSame($want ?? json_encode($functions), json_encode($cut['xhprof']['profiling']['top_functions']));
        self::assertSame($want !== null, isset($cut['_meta']['truncated']));
        self::assertSame(['top_functions', 'after'], array_keys($cut['xhprof']['profiling']));
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
        $cut = Cut::apply(['sql' => ['queries' => $queries, 'after' => 1]]);
        self::assertSame($wantFirst, array_slice(array_column($cut['sql']['queries'], 'place'), 0, count($wantFirst)));
        self::assertCount(100, $cut['sql']['queries']);
        self::assertSame(['sql_truncated' => true], $cut['_meta']);
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
        self::assertSame(array_slice($want, 0, 100), Cut::apply(['sql' => ['queries' => $queries]])['sql']['queries']);
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
        self::assertSame($data, Cut::apply($data));
    }

    public function testQueriesWithoutTimeCountAs0(): void
    {
        $queries = array_fill(0, 100, ['sql' => 'x']);
        $queries[] = 'text';
        $queries[] = ['time_ms' => 1];
        $cut = Cut::apply(['sql' => ['queries' => $queries]]);
        self::assertSame(['time_ms' => 1], $cut['sql']['queries'][0]);
        self::assertSame(['sql' => 'x'], $cut['sql']['queries'][99]);
    }
}
