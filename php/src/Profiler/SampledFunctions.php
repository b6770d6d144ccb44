<?php

namespace Transmit\Profiler;

/**
 * Sums up excimer's samples by function and by stack. It leaves out the profiler's own functions and files.
 */
final class SampledFunctions
{
    private const MAX = 200;
    private const OWN = 'Transmit\\';

    /**
     * main(), which is the whole request, then the functions with the most wall time of their own.
     *
     * @return list<array<string, mixed>> function, samples, wall_ms, exclusive_wall_ms, cpu_ms
     */
    public static function of(\ExcimerLog $real, \ExcimerLog $cpu, float $intervalMs, float $elapsedMs): array
    {
        $inCpu = $cpu->aggregateByFunction();
        $rows = [[
            'function' => 'main()',
            'samples' => $real->getEventCount(),
            'wall_ms' => round($elapsedMs, 3),
            'exclusive_wall_ms' => 0,
            'cpu_ms' => $cpu->getEventCount() * $intervalMs,
        ]];
        $functions = array_filter($real->aggregateByFunction(), [self::class, 'isForeign'], ARRAY_FILTER_USE_KEY);
        uasort($functions, static function (array $a, array $b): int {
            return [$b['self'], $b['inclusive']] <=> [$a['self'], $a['inclusive']];
        });
        foreach (array_slice($functions, 0, self::MAX - 1, true) as $name => $counts) {
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

    /** One line for each stack: its functions from the outermost, ";" between them, a space, the samples. */
    public static function stacks(\ExcimerLog $log): string
    {
        $lines = [];
        foreach (explode("\n", trim($log->formatCollapsed())) as $line) {
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
