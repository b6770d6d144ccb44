<?php

namespace Transmit\Test;

use Transmit\Stats;
use Transmit\Settings;
use Transmit\Status\Counters;
use Transmit\Status\Latency;

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

    public function testLatency(): void
    {
        $none = new Latency([1 => 0, 2 => 0, '+Inf' => 0], 0);
        self::assertSame([[], '–'], [$none->filled(), $none->within(0.5)]);
        $some = new Latency([1 => 0, 2 => 49, 4 => 0, 8192 => 50, 16384 => 0, '+Inf' => 1, '-' => 0], 0);
        self::assertSame([2 => 49, 4 => 0, 8192 => 50, 16384 => 0, '+Inf' => 1], $some->filled());
        self::assertSame([0, 49, 49, 99, 99, 100, 100], array_values($some->cumulative()));
        $within = array_map([$some, 'within'], [0.49, 0.5, 0.99, 0.991, 1.0]);
        self::assertSame(['< 2 µs', '< 8.2 ms', '< 8.2 ms', 'longer', 'longer'], $within);
    }
}
