<?php

namespace Transmit\Status;

/**
 * How long calls took: a histogram in powers of two.
 */
final class Latency
{
    /** @var array<int|string, int> calls by upper bound in microseconds, the last one "+Inf"; each call once */
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

    /** @return array<int|string, int> how many calls took so long at most */
    public function cumulative(): array
    {
        $sum = 0;
        return array_map(static function (int $count) use (&$sum): int {
            return $sum += $count;
        }, $this->calls);
    }

    /** Such as "< 16 µs": this share of the calls. "–": there was none. */
    public function within(float $share): string
    {
        foreach ($this->count() === 0 ? [] : $this->cumulative() as $bound => $count) {
            if ($count >= $share * $this->count()) {
                return self::label($bound);
            }
        }
        return '–';
    }

    /** @return array<int|string, int> without the empty ends, but at least up to the one with that time */
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
