<?php

namespace Transmit\Status;

/**
 * How long calls took: a histogram in powers of two.
 */
final class Latency
{
    /** @var array<int|string, int> the number of calls by upper bound in microseconds; the last bound is "+Inf". Each call counts once */
    public array $calls;

    public int $sumUs;

    /** @param array<int|string, int> $calls */
    public function __construct(array $calls, int $sumUs)
    {
        $this->calls = $calls;
        $this->sumUs = $sumUs;
    }

    public function count(): int
    {
        return array_sum($this->calls);
    }

    /** @return array<int|string, int> by upper bound: how many calls took that long or less */
    public function cumulative(): array
    {
        $sum = 0;
        return array_map(static function (int $count) use (&$sum): int {
            return $sum += $count;
        }, $this->calls);
    }

    /** The time within which this share of the calls ended, such as "< 16 µs". "–": there was no call. */
    public function within(float $share): string
    {
        foreach ($this->count() === 0 ? [] : $this->cumulative() as $bound => $count) {
            if ($count >= $share * $this->count()) {
                return self::label($bound);
            }
        }
        return '–';
    }

    /** @return array<int|string, int> calls without the empty bounds at both ends, but up to $upToUs at least */
    public function filled(int $upToUs): array
    {
        $filled = array_keys(array_filter($this->calls));
        $bounds = array_keys($this->calls);
        if ($filled === []) {
            return [];
        }
        $first = array_search($filled[0], $bounds, true);
        $last = array_search(end($filled), $bounds, true);
        foreach ($bounds as $place => $bound) {
            $last = is_int($bound) && $bound < 2 * $upToUs ? max($last, $place) : $last;
        }
        return array_slice($this->calls, $first, $last - $first + 1, true);
    }

    /** @param int|string $bound */
    public static function label($bound): string
    {
        return is_int($bound) ? '< ' . self::duration($bound) : 'longer';
    }

    /** Such as "16 µs", "8.2 ms" or "50 ms". */
    public static function duration(int $us): string
    {
        return $us < 1000 ? "$us µs" : sprintf($us < 10000 && $us % 1000 ? '%.1F ms' : '%.0F ms', $us / 1000);
    }
}
