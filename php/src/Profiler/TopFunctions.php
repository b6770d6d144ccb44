<?php

namespace Transmit\Profiler;

/**
 * Sums up what (tideways_)xhprof measured, {"caller==>callee": {ct, wt, mu, cpu?}}, by function.
 */
final class TopFunctions
{
    private const MAX = 200;

    /** @var array<string, array<string, int>> by function: ct, wt, mu, cpu, and exclusive wt */
    private $functions = [];

    /**
     * The functions with the most wall time of their own, without that of what they call.
     *
     * @param array<string, array<string, int>> $measured
     * @return list<array<string, mixed>> function, calls, wall_ms, exclusive_wall_ms; cpu_ms, memory_bytes if measured
     */
    public static function of(array $measured): array
    {
        $top = new self();
        foreach ($measured as $edge => $numbers) {
            $top->add((string) $edge, $numbers);
        }
        uasort($top->functions, static function (array $a, array $b): int {
            return $b['exclusive'] <=> $a['exclusive'];
        });
        $top->functions = array_slice($top->functions, 0, self::MAX, true);
        return array_map([self::class, 'describe'], array_map('strval', array_keys($top->functions)), $top->functions);
    }

    /** @param array<string, int> $numbers */
    private function add(string $edge, array $numbers): void
    {
        $ends = explode('==>', $edge, 2);
        $callee = self::withoutDepth(end($ends));
        $caller = count($ends) === 2 ? self::withoutDepth($ends[0]) : null;
        // Called by itself: the outer call's time has it already.
        $counted = $caller === $callee ? ['ct' => $numbers['ct'] ?? 0] : $numbers;
        foreach ($counted as $what => $number) {
            $this->functions[$callee][$what] = ($this->functions[$callee][$what] ?? 0) + $number;
        }
        $this->addExclusive($callee, $numbers['wt'] ?? 0);
        if ($caller !== null) {
            $this->addExclusive($caller, -($numbers['wt'] ?? 0));
        }
    }

    private function addExclusive(string $function, int $wallUs): void
    {
        $this->functions[$function]['exclusive'] = ($this->functions[$function]['exclusive'] ?? 0) + $wallUs;
    }

    /** xhprof writes f@1, f@2 for a recursion's levels. */
    private static function withoutDepth(string $function): string
    {
        return (string) preg_replace('/@\d+$/D', '', $function);
    }

    /**
     * @param array<string, int> $numbers
     * @return array<string, mixed>
     */
    private static function describe(string $function, array $numbers): array
    {
        $described = [
            'function' => $function,
            'calls' => $numbers['ct'] ?? 0,
            'wall_ms' => ($numbers['wt'] ?? 0) / 1000,
            'exclusive_wall_ms' => $numbers['exclusive'] / 1000,
        ];
        $described += isset($numbers['cpu']) ? ['cpu_ms' => $numbers['cpu'] / 1000] : [];
        return $described + (isset($numbers['mu']) ? ['memory_bytes' => $numbers['mu']] : []);
    }
}
