<?php

namespace Transmit\Test;

use Transmit\Quiet;
use Transmit\Stats;
use Transmit\Settings;
use Transmit\Status\Backlog;
use Transmit\Status\Counters;
use Transmit\Status\Latency;
use Transmit\Status\Rates;

/**
 * The status page's parts; its whole is in tests/status_test.go.
 */
final class StatusTest extends TransmitTestCase
{
    public function testEveryCounterIsShown(): void
    {
        $this->useFace('native');
        $counts = Stats::get(Settings::current())['process'];
        $others = ['pid', 'latency_us', 'latency_sum_us', 'last_sent', 'last_failure'];
        $shown = array_merge(array_keys(Counters::RESULTS), array_keys(Counters::MORE), $others);
        self::assertEqualsCanonicalizing(array_keys($counts), $shown);
        foreach (Counters::CAUSES as $result => $causes) {
            self::assertSame(array_keys($counts[$result]), array_keys($causes));
        }
    }

    /** @return array<string, array{string, array{float, float, float}|null}> mark; sent, buffered, lost a second */
    public function marks(): array
    {
        return [
            'ten seconds before' => ['90000.10.5.0.1.1', [9.0, 0.6, 0.2]],
            'half a second before' => ['99500.100.5.1.1.3', [0.0, 10.0, 0.0]],
            'none' => ['', null],
            'at once' => ['99900.100.5.1.1.3', null],
            'in the future' => ['100001.100.5.1.1.3', null],
            'long ago' => ['0.100.5.1.1.3', [0.0, 0.05, 0.0]],
            'counts of before a restart' => ['90000.101.5.1.1.3', null],
            'too few' => ['90000.10.5.0.1', null],
            'too many' => ['90000.10.5.0.1.1.1', null],
            'no numbers' => ['90000.10.5.0.1.x', null],
            'empty numbers' => ['.....', [1.0, 0.1, 0.04]],
            'markup' => ['<b>.1.1.1.1.1', null],
        ];
    }

    /** @dataProvider marks */
    public function testRates(string $mark, ?array $want): void
    {
        $now = ['sent' => 100, 'buffered' => 10, 'pending' => 1, 'refused' => 1, 'lost' => 3];
        $rates = Rates::since($mark, $now, 100.0);
        $got = $rates === null ? null : [$rates->sent, $rates->buffered, $rates->lost];
        self::assertEqualsWithDelta($want, $got, 0.011);
        $rates = Rates::since(Rates::mark($now, 100.0), $now, 102.0);
        self::assertEqualsWithDelta([2.0, 0.0], [$rates->seconds, $rates->sent], 0.001);
    }

    public function testBacklog(): void
    {
        mkdir($this->buffer);
        self::assertSame([0, 0, null], self::backlog($this->buffer));
        self::assertSame([0, 0, null], self::backlog(null));
        foreach (['20260102_000000_00000002' => 5, '20260101_000000_00000001' => 7] as $name => $size) {
            file_put_contents("$this->buffer/profile_$name.json", str_repeat('x', $size));
            touch("$this->buffer/profile_$name.json", 1000 + $size);
        }
        file_put_contents("$this->buffer/other.json", 'not ours');
        self::assertSame([2, 12, 1007], self::backlog($this->buffer));
    }

    /** @return array{int, int, int|null} */
    private static function backlog(?string $directory): array
    {
        $backlog = Quiet::call(static function () use ($directory): Backlog {
            return Backlog::of($directory, '/run/a.sock');
        }, null);
        return [$backlog->files, $backlog->bytes, $backlog->since];
    }

    public function testLatency(): void
    {
        $none = new Latency([1 => 0, 2 => 0, '+Inf' => 0], 0);
        self::assertSame([[], '–'], [$none->filled(50000), $none->within(0.5)]);
        $some = new Latency([1 => 0, 2 => 49, 4 => 0, 8192 => 50, 16384 => 0, '+Inf' => 1, '-' => 0], 0);
        self::assertSame([2 => 49, 4 => 0, 8192 => 50, 16384 => 0, '+Inf' => 1], $some->filled(1));
        $fast = new Latency([1 => 0, 2 => 3, 4 => 0, 8 => 0, 16 => 0, '+Inf' => 0], 0);
        self::assertSame([2 => 3], $fast->filled(1));
        self::assertSame([2 => 3, 4 => 0, 8 => 0], $fast->filled(5), 'up to the limit');
        self::assertSame([0, 49, 49, 99, 99, 100, 100], array_values($some->cumulative()));
        $within = array_map([$some, 'within'], [0.49, 0.5, 0.99, 0.991, 1.0]);
        self::assertSame(['< 2 µs', '< 8.2 ms', '< 8.2 ms', 'longer', 'longer'], $within);
    }
}
