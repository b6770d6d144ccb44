<?php

namespace Transmit\Profiler;

use Transmit\Deadline;

/**
 * The largest numbers of a long list. Sorts only parts of the list, because PHP cannot interrupt a sort.
 */
final class Largest
{
    /** One less than the number of items between two looks at the clock, a power of two. */
    public const CLOCK_MASK = 1023;

    /**
     * @param array<string, int> $numbers
     * @return array<string, int>|null the $count largest, the largest first; null: the time was not enough
     */
    public static function of(array $numbers, int $count, Deadline $deadline): ?array
    {
        $kept = [];
        $least = PHP_INT_MIN;
        $read = 0;
        foreach ($numbers as $key => $number) {
            if ((++$read & self::CLOCK_MASK) === 0 && $deadline->isOver()) {
                return null;
            }
            if ($number <= $least) {
                continue;
            }
            $kept[$key] = $number;
            if (count($kept) >= 2 * $count) {
                $kept = self::sorted($kept, $count);
                $least = end($kept);
            }
        }
        return self::sorted($kept, $count);
    }

    private static function sorted(array $numbers, int $count): array
    {
        arsort($numbers);
        return array_slice($numbers, 0, $count, true);
    }
}
