<?php

namespace Transmit\Profiler;

use Transmit\Deadline;

/**
 * Sums up excimer's samples by function and by stack. It leaves out the profiler's own functions and files.
 */
final class SampledFunctions
{
    private const MAX = 200;
    private const OWN = 'Transmit\\';

    /** Stacks between two looks at the clock: each may have 500 functions. */
    private const LINES_PER_LOOK = 32;

    /**
     * main(), which is the whole request, then the functions with the most wall time of their own.
     *
     * @return list<array<string, mixed>>|null function, samples, wall_ms, exclusive_wall_ms, cpu_ms; null: the time was
     *     not enough
     */
    public static function of(
        \ExcimerLog $real,
        \ExcimerLog $cpu,
        float $intervalMs,
        float $elapsedMs,
        Deadline $deadline
    ): ?array {
        $functions = $real->aggregateByFunction();
        $largest = self::largest($functions, $deadline);
        if ($largest === null) {
            return null;
        }
        $inCpu = $cpu->aggregateByFunction();
        $rows = [[
            'function' => 'main()',
            'samples' => $real->getEventCount(),
            'wall_ms' => round($elapsedMs, 3),
            'exclusive_wall_ms' => 0,
            'cpu_ms' => $cpu->getEventCount() * $intervalMs,
        ]];
        foreach ($largest as $name => $order) {
            $counts = $functions[$name];
            $rows[] = [
                'function' => (string) $name,
                'samples' => $counts['inclusive'],
                'wall_ms' => round(min($counts['inclusive'] * $intervalMs, $elapsedMs), 3),
                'exclusive_wall_ms' => round(min($counts['self'] * $intervalMs, $elapsedMs), 3),
                'cpu_ms' => round(min(($inCpu[$name]['inclusive'] ?? 0) * $intervalMs, $elapsedMs), 3),
            ];
        }
        return $rows;
    }

    /**
     * The functions with the most samples of their own; of the same number, those with the most samples in all.
     *
     * @param array<string, array<string, int>> $functions
     * @return array<string, int>|null by name, in this order; null: the time was not enough
     */
    private static function largest(array $functions, Deadline $deadline): ?array
    {
        $orders = [];
        $read = 0;
        foreach ($functions as $name => $counts) {
            if ((++$read & Largest::CLOCK_MASK) === 0 && $deadline->isOver()) {
                return null;
            }
            if (self::isForeign((string) $name)) {
                $orders[$name] = ($counts['self'] << 32) + $counts['inclusive'];
            }
        }
        return Largest::of($orders, self::MAX - 1, $deadline);
    }

    /**
     * One line for each stack: its functions from the outermost, ";" between them, a space, the samples.
     *
     * @return string|null null: the time was not enough
     */
    public static function stacks(\ExcimerLog $log, Deadline $deadline): ?string
    {
        $lines = [];
        foreach (explode("\n", trim($log->formatCollapsed())) as $i => $line) {
            if ($i % self::LINES_PER_LOOK === self::LINES_PER_LOOK - 1 && $deadline->isOver()) {
                return null;
            }
            $at = (int) strrpos($line, ' ');
            $frames = array_filter(explode(';', substr($line, 0, $at)), [self::class, 'isForeign']);
            if ($frames !== []) {
                $stack = implode(';', $frames);
                $lines[$stack] = ($lines[$stack] ?? 0) + (int) substr($line, $at + 1);
            }
        }
        $text = '';
        foreach ($lines as $stack => $samples) {
            $text .= "$stack $samples\n";
        }
        return $text;
    }

    /** @internal not in our files either: excimer names a file by its path, and a closure by its file */
    public static function isForeign(string $name): bool
    {
        return $name !== '' && strncmp($name, self::OWN, 9) !== 0
            && strpos($name, dirname(__DIR__, 2) . '/') === false;
    }
}
