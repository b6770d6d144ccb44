<?php

namespace Transmit\Profiler;

use Transmit\Deadline;
use Transmit\Settings;

/**
 * Removes optional parts from a profile that is too large for one datagram: stacks first, then callers and callees.
 */
final class Fit
{
    /** The most bytes of "_meta". */
    private const META_BYTES = 320;

    /** The fewest bytes of a pair of caller and callee: "f==>g":{"ct":1,"wt":0,"mu":0}, */
    private const PAIR_BYTES = 32;

    private const FLAGS = JSON_UNESCAPED_SLASHES | JSON_PARTIAL_OUTPUT_ON_ERROR | JSON_INVALID_UTF8_SUBSTITUTE;

    /**
     * @param array<string, mixed> $data with xhprof.profiling
     * @return array{array<string, mixed>, array<string, bool>} the profile to send, and marks for "_meta"
     */
    public static function apply(array $data, Settings $settings, Deadline $deadline): array
    {
        $stacks = $data['xhprof']['profiling']['stacks'] ?? null;
        $edges = $data['xhprof']['profiling']['call_graph'] ?? null;
        if (($stacks === null && $edges === null) || $settings->oversize !== 'shrink') {
            return [$data, []];
        }
        unset($data['xhprof']['profiling']['stacks'], $data['xhprof']['profiling']['call_graph']);
        $left = $settings->maxDatagramSize - self::META_BYTES - self::length($data);
        $marks = [];
        if ($edges !== null) {
            $kept = self::heaviest($edges, $left, $deadline);
            $marks = count($kept) < count($edges) ? ['call_graph_truncated' => true] : [];
            $data['xhprof']['profiling'] += $kept === [] ? [] : ['call_graph' => $kept];
        }
        if ($stacks !== null) {
            $isRoom = self::length($stacks) + 16 <= $left && $marks === [];
            $data['xhprof']['profiling'] += $isRoom ? ['stacks' => $stacks] : [];
            $marks += $isRoom ? [] : ['stacks_dropped' => true];
        }
        return [$data, $marks];
    }

    /**
     * Returns main(), then the edges with the most time, as many as fit into $left bytes and as the time is enough for.
     *
     * @param array<string, array<string, int>> $edges
     * @return array<string, array<string, int>>
     */
    private static function heaviest(array $edges, int &$left, Deadline $deadline): array
    {
        $times = [];
        foreach ($edges as $edge => $numbers) {
            $times[$edge] = $numbers['wt'];
        }
        $kept = [];
        $left -= 16;
        $most = intdiv(max(0, $left), self::PAIR_BYTES) + 1;
        foreach (['main()' => 0] + (Largest::of($times, $most, $deadline) ?? []) as $edge => $time) {
            $bytes = self::length((string) $edge) + self::length($edges[$edge]) + 2;
            $isTimeUp = (count($kept) & Largest::CLOCK_MASK) === Largest::CLOCK_MASK && $deadline->isOver();
            if ($bytes > $left || $isTimeUp) {
                break;
            }
            $left -= $bytes;
            $kept[$edge] = $edges[$edge];
        }
        return $kept;
    }

    /** @param mixed $value */
    private static function length($value): int
    {
        return strlen((string) json_encode($value, self::FLAGS));
    }
}
