<?php

namespace Transmit\Test;

use Transmit\Deadline;
use Transmit\Profiler\Fit;
use Transmit\Profiler\Largest;
use Transmit\Profiler\TopFunctions;
use Transmit\Settings;

/**
 * The sums for each function, from call graphs of xhprof and tideways_xhprof.
 */
final class TopFunctionsTest extends TransmitTestCase
{
    /** @return array<string, array{array<string, array<string, int>>, array<string, array{int, float, float}>}> */
    public function graphs(): array
    {
        return [
            'a tree' => [[
                'main()' => ['ct' => 1, 'wt' => 10000],
                'main()==>f' => ['ct' => 2, 'wt' => 8000],
                'f==>g' => ['ct' => 1, 'wt' => 1000],
            ], ['main()' => [1, 10, 2], 'f' => [2, 8, 7], 'g' => [1, 1, 1]]],
            'direct recursion' => [[
                'main()==>f' => ['ct' => 2, 'wt' => 8000],
                'f==>f@1' => ['ct' => 2, 'wt' => 7000],
                'f@1==>f@2' => ['ct' => 3, 'wt' => 3000],
            ], ['main()' => [1, 10, 2], 'f' => [7, 8, 8]]],
            'mutual recursion' => [[
                'main()==>even' => ['ct' => 1, 'wt' => 9000],
                'even==>odd' => ['ct' => 1, 'wt' => 8000],
                'odd==>even@1' => ['ct' => 1, 'wt' => 7000],
                'even@1==>odd@1' => ['ct' => 1, 'wt' => 6000],
            ], ['main()' => [1, 10, 1], 'even' => [2, 9, 2], 'odd' => [2, 8, 7]]],
            'main() ended early, and its functions have no caller' => [[
                'main()' => ['ct' => 1, 'wt' => 1],
                'f' => ['ct' => 1, 'wt' => 4000],
            ], ['main()' => [1, 10, 6], 'f' => [1, 4, 4]]],
            'no main()' => [['f' => ['ct' => 1, 'wt' => 4000]], ['main()' => [1, 10, 6], 'f' => [1, 4, 4]]],
            'nothing' => [[], ['main()' => [1, 10, 10]]],
            'longer than the request' => [
                ['main()==>f' => ['ct' => 1, 'wt' => 30000]], ['main()' => [1, 10, 0], 'f' => [1, 10, 10]],
            ],
            'an anonymous class is no recursion' => [
                ["main()==>class@anonymous\0/p.php:3\$0::f" => ['ct' => 1, 'wt' => 1000]],
                ['main()' => [1, 10, 9], "class@anonymous\0/p.php:3\$0::f" => [1, 1, 1]],
            ],
            'the profiler is not shown, what its jobs call is' => [[
                'main()==>Transmit\Profiler::profile' => ['ct' => 1, 'wt' => 5000],
                'Transmit\Profiler::profile==>job' => ['ct' => 1, 'wt' => 4000],
                'Transmit\Profiler::start==>hrtime' => ['ct' => 1, 'wt' => 500],
                'tideways_xhprof_disable' => ['ct' => 1, 'wt' => 100],
            ], ['main()' => [1, 10, 5], 'job' => [1, 4, 4]]],
        ];
    }

    /**
     * @dataProvider graphs
     * @param array<string, array<string, int>> $edges
     * @param array<string, array{int, float, float}> $want calls, wall_ms, exclusive_wall_ms
     */
    public function testSums(array $edges, array $want): void
    {
        $got = [];
        foreach (TopFunctions::of($edges, 10.0, self::inSeconds(60)) as $row) {
            $got[$row['function']] = [$row['calls'], $row['wall_ms'], $row['exclusive_wall_ms']];
        }
        self::assertEquals($want, $got);
    }

    /** As in the sums, a call of the application's stays that our functions make for it, at any level of a recursion. */
    public function testTheCallGraphHasTheApplicationsCallsOnly(): void
    {
        $numbers = ['ct' => 1, 'wt' => 4];
        $main = ['main()' => ['ct' => 1, 'wt' => 10000]];
        $shown = [
            'f==>g@1',
            'f==>Transmit\Pdo\Statement::execute',
            'f==>Transmit\Pdo\Statement::execute@1',
            'Transmit\Pdo\Statement::execute==>PDOStatement::execute',
            'Transmit\Pdo\Statement::execute@1==>PDOStatement::execute@1',
            'f==>Transmit\Profiler::profile@1',
            'Transmit\Profiler::profile@1==>job',
            'Transmitter::f==>Other\Transmit\g',
        ];
        $ours = [
            'f==>Transmit\Profiler::query',
            'f==>Transmit\Profiler::start@1',
            'Transmit\Pdo\Statement::execute==>Transmit\Profiler::isActive',
            'Transmit\Profiler::end==>memory_get_usage',
            'Transmit\Profiler::end@12==>memory_get_usage@1',
            'Transmit\Profiler::end',
            'tideways_xhprof_disable',
        ];
        $edges = ['main()' => ['ct' => 1, 'wt' => 1], 'f' => $numbers] + array_fill_keys($ours, $numbers)
            + array_fill_keys($shown, $numbers);
        $want = $main + ['main()==>f' => $numbers] + array_fill_keys($shown, $numbers);
        self::assertSame($want, TopFunctions::edges($edges, 10.0, self::inSeconds(60)));
    }

    public function testMainIsFirstThenTheSlowestAndAtMost200(): void
    {
        $rows = TopFunctions::of(self::flat(301), 1.0, self::inSeconds(60));
        self::assertCount(200, $rows);
        self::assertSame(['main()', 'f300', 'f299'], array_slice(array_column($rows, 'function'), 0, 3));
        self::assertSame(64, $rows[1]['memory_bytes']);
    }

    /** @return array<string, array{int, bool}> the number of pairs, whether a time that is over is enough */
    public function sizes(): array
    {
        // Less than 1,024 pairs take less than a millisecond.
        return ['none' => [0, true], 'usual' => [1000, true], 'many' => [1100, false], 'very many' => [60000, false]];
    }

    /**
     * Each step ends soon after its time is over.
     *
     * @dataProvider sizes
     */
    public function testTheTimeIsLimited(int $pairs, bool $isDone): void
    {
        $edges = self::flat($pairs);
        $times = array_column($edges, 'wt');
        $start = self::cpuMs();
        $over = self::inSeconds(0);
        $results = [TopFunctions::of($edges, 1.0, $over), TopFunctions::edges($edges, 1.0, $over)];
        $results[] = Largest::of($times, 10, $over);
        $ms = self::cpuMs() - $start;
        foreach ($results as $result) {
            self::assertSame($isDone, $result !== null);
        }
        self::assertLessThan(20, $ms);

        $this->configure(['max_datagram_size' => 65507]);
        $profiling = ['top_functions' => [], 'call_graph' => ['main()' => ['ct' => 1, 'wt' => 1]] + $edges];
        [$data, $marks] = Fit::apply(['xhprof' => ['profiling' => $profiling]], Settings::current(), $over);
        self::assertSame($isDone ? [] : ['call_graph_truncated' => true], $marks);
        self::assertSame('main()', array_keys($data['xhprof']['profiling']['call_graph'])[0]);
        self::assertSame($isDone, count($data['xhprof']['profiling']['call_graph']) > min($pairs, 1));
    }

    public function testTheLargestAreThoseOfASort(): void
    {
        mt_srand(1);
        foreach ([1, 7, 200, 5000] as $count) {
            $numbers = [];
            for ($i = 0; $i < 3000; $i++) {
                $numbers["f$i"] = mt_rand(-50, 1000000);
            }
            $largest = Largest::of($numbers, $count, self::inSeconds(60));
            arsort($numbers);
            self::assertSame(array_slice($numbers, 0, $count), $largest);
        }
    }

    /** @return array<string, array<string, int>> */
    private static function flat(int $pairs): array
    {
        $edges = [];
        for ($i = 0; $i < $pairs; $i++) {
            $edges["main()==>f$i"] = ['ct' => 1, 'wt' => $i, 'mu' => 64];
        }
        return $edges;
    }

    private static function cpuMs(): float
    {
        $used = getrusage();
        return ($used['ru_utime.tv_sec'] + $used['ru_stime.tv_sec']) * 1e3
            + ($used['ru_utime.tv_usec'] + $used['ru_stime.tv_usec']) / 1e3;
    }

    private static function inSeconds(int $seconds): Deadline
    {
        return Deadline::after(Deadline::now(), $seconds * 1000000);
    }
}
