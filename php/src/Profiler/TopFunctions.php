<?php

namespace Transmit\Profiler;

use Transmit\Profiler;

/**
 * Sums up the measurements of (tideways_)xhprof, {"caller==>callee": {ct, wt, mu}}, by function, in one pass.
 *
 * Both extensions write f@1, f@2 … for a call of f while one or more calls of f run. The inclusive time of f is that of
 * its outermost calls, which have no "@". The number of calls includes all levels, and each time that a generator
 * resumes. Time in the profiler's own functions belongs to no function's exclusive time.
 */
final class TopFunctions
{
    private const MAX = 200;
    private const MAIN = 'main()';
    private const OWN = 'Transmit\\';

    /** The functions that end the measurement are themselves measured. They are left out. */
    private const EXTENSIONS = ['tideways_xhprof_disable' => true, 'xhprof_disable' => true];

    /** @var array<string, int> */
    private $calls = [];

    /** @var array<string, int> microseconds, inclusive */
    private $wall = [];

    /** @var array<string, int> microseconds */
    private $exclusive = [];

    /** @var array<string, int> bytes, inclusive */
    private $memory = [];

    /**
     * Returns main(), which is the whole request, then the functions with the most exclusive wall time.
     *
     * @param array<string, array<string, int>> $edges
     * @return list<array<string, mixed>> function, calls, wall_ms, exclusive_wall_ms, memory_bytes
     */
    public static function of(array $edges, float $elapsedMs): array
    {
        $sums = new self();
        $totalUs = (int) round($elapsedMs * 1000);
        $edges = array_diff_key($edges, self::EXTENSIONS);
        unset($edges[self::MAIN]); // with PHP 8.2's observers, it ends before the request does
        $sums->exclusive[self::MAIN] = $totalUs;
        $sums->addAll($edges);
        $sums->calls[self::MAIN] = 1;
        $sums->wall[self::MAIN] = $totalUs;
        return $sums->rows($totalUs);
    }

    /** @return array<string, mixed> the row of main(), for a request that was not measured by function */
    public static function main(float $elapsedMs): array
    {
        $sums = new self();
        $sums->calls[self::MAIN] = 1;
        $sums->wall[self::MAIN] = $sums->exclusive[self::MAIN] = (int) round($elapsedMs * 1000);
        return $sums->row(self::MAIN, $sums->wall[self::MAIN]);
    }

    /**
     * Returns the pairs of caller and callee without those of the profiler. main() is the whole request.
     *
     * @param array<string, array<string, int>> $edges
     * @return array<string, array<string, int>>
     */
    public static function edges(array $edges, float $elapsedMs): array
    {
        $main = ['ct' => 1, 'wt' => (int) round($elapsedMs * 1000)];
        $shown = [self::MAIN => $main + ($edges[self::MAIN] ?? [])];
        foreach (array_diff_key($edges, self::EXTENSIONS, $shown) as $edge => $numbers) {
            [$caller, $callee] = explode('==>', $edge, 2) + [1 => ''];
            if (!self::isInner(self::withoutLevel($caller)) && !self::isInner(self::withoutLevel($callee))) {
                $shown[$callee === '' ? self::MAIN . "==>$edge" : $edge] = $numbers;
            }
        }
        return $shown;
    }

    /** @param array<string, array<string, int>> $edges */
    private function addAll(array $edges): void
    {
        $calls = $wall = $exclusive = $memory = [];
        foreach ($edges as $edge => $numbers) {
            $ends = explode('==>', $edge, 2);
            $caller = $ends[0];
            if (isset($ends[1])) {
                $callee = $ends[1];
            } else {
                $callee = $caller;
                $caller = self::MAIN;
            }
            $isOuter = true;
            if (strpos($edge, '@') !== false) {
                $caller = self::withoutLevel($caller);
                $name = self::withoutLevel($callee);
                $isOuter = $name === $callee;
                $callee = $name;
            }
            if ($caller[0] === 'T' && self::isInner($caller)) {
                continue;
            }
            $us = $numbers['wt'];
            if (isset($calls[$callee])) {
                $calls[$callee] += $numbers['ct'];
                $exclusive[$callee] += $us;
            } else {
                $calls[$callee] = $numbers['ct'];
                $exclusive[$callee] = ($exclusive[$callee] ?? 0) + $us;
            }
            $exclusive[$caller] = ($exclusive[$caller] ?? 0) - $us;
            if ($isOuter) {
                $wall[$callee] = ($wall[$callee] ?? 0) + $us;
                $memory[$callee] = ($memory[$callee] ?? 0) + ($numbers['mu'] ?? 0);
            }
        }
        $exclusive[self::MAIN] = ($exclusive[self::MAIN] ?? 0) + $this->exclusive[self::MAIN];
        [$this->calls, $this->wall, $this->exclusive, $this->memory] = [$calls, $wall, $exclusive, $memory];
    }

    /** Whether it is one of our functions, except those that call the application: profile() and the PDO statement. */
    private static function isInner(string $function): bool
    {
        return strncmp($function, self::OWN, 9) === 0
            && $function !== Profiler::class . '::profile' && strncmp($function, self::OWN . 'Pdo\\', 13) !== 0;
    }

    private static function withoutLevel(string $function): string
    {
        $at = strrpos($function, '@');
        $digits = $at === false ? 0 : strspn($function, '0123456789', $at + 1);
        return $digits > 0 && $at + 1 + $digits === strlen($function) ? substr($function, 0, (int) $at) : $function;
    }

    /** @return list<array<string, mixed>> */
    private function rows(int $totalUs): array
    {
        $rows = [$this->row(self::MAIN, $totalUs)];
        unset($this->exclusive[self::MAIN]);
        arsort($this->exclusive);
        foreach ($this->exclusive as $function => $us) {
            if (isset($this->calls[$function]) && strncmp((string) $function, self::OWN, 9) !== 0) {
                $rows[] = $this->row((string) $function, $totalUs);
            }
            if (count($rows) === self::MAX) {
                break;
            }
        }
        return $rows;
    }

    /** @return array<string, mixed> */
    private function row(string $function, int $totalUs): array
    {
        $us = min($this->wall[$function] ?? 0, $totalUs);
        return [
            'function' => $function,
            'calls' => $this->calls[$function] ?? 0,
            'wall_ms' => $us / 1000,
            'exclusive_wall_ms' => max(0, min($this->exclusive[$function], $us)) / 1000,
            'memory_bytes' => $this->memory[$function] ?? 0,
        ];
    }
}
