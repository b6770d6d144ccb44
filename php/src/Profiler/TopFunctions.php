<?php

namespace Transmit\Profiler;

use Transmit\Deadline;
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

    /** No request calls more of our functions while it is measured. */
    private const OWN_AT_MOST = 200;

    /**
     * Left out: main(), which ends before the request does with PHP 8.2's observers, and the functions that end the
     * measurement, which are themselves measured.
     */
    private const LEFT_OUT = [self::MAIN => true, 'tideways_xhprof_disable' => true, 'xhprof_disable' => true];

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
     * @return list<array<string, mixed>>|null function, calls, wall_ms, exclusive_wall_ms, memory_bytes; null: the time
     *     was not enough. The sums of a part of the edges would be wrong, exclusive times above all
     */
    public static function of(array $edges, float $elapsedMs, Deadline $deadline): ?array
    {
        $sums = new self();
        $totalUs = (int) round($elapsedMs * 1000);
        $sums->exclusive[self::MAIN] = $totalUs;
        if (!$sums->addAll($edges, $deadline)) {
            return null;
        }
        $sums->calls[self::MAIN] = 1;
        $sums->wall[self::MAIN] = $totalUs;
        return $sums->rows($totalUs, $deadline);
    }

    /**
     * Returns the pairs of caller and callee without those of the profiler. main() is the whole request.
     *
     * @param array<string, array<string, int>> $edges
     * @return array<string, array<string, int>>|null null: the time was not enough
     */
    public static function edges(array $edges, float $elapsedMs, Deadline $deadline): ?array
    {
        $main = ['ct' => 1, 'wt' => (int) round($elapsedMs * 1000)];
        $shown = [self::MAIN => $main + ($edges[self::MAIN] ?? [])];
        $read = 0;
        foreach ($edges as $edge => $numbers) {
            if ((++$read & Largest::CLOCK_MASK) === 0 && $deadline->isOver()) {
                return null;
            }
            [$caller, $callee] = explode('==>', $edge, 2) + [1 => ''];
            if ($callee === '' && isset(self::LEFT_OUT[$edge])) {
                continue;
            }
            if (!self::isInner(self::withoutLevel($caller)) && !self::isInner(self::withoutLevel($callee))) {
                $shown[$callee === '' ? self::MAIN . "==>$edge" : $edge] = $numbers;
            }
        }
        return $shown;
    }

    /**
     * @param array<string, array<string, int>> $edges
     * @return bool whether the time was enough
     */
    private function addAll(array $edges, Deadline $deadline): bool
    {
        $calls = $wall = $exclusive = $memory = [];
        $read = 0;
        foreach ($edges as $edge => $numbers) {
            if ((++$read & Largest::CLOCK_MASK) === 0 && $deadline->isOver()) {
                return false;
            }
            $ends = explode('==>', $edge, 2);
            $caller = $ends[0];
            if (isset($ends[1])) {
                $callee = $ends[1];
            } elseif (isset(self::LEFT_OUT[$edge])) {
                continue;
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
        return true;
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

    /** @return list<array<string, mixed>>|null null: the time was not enough */
    private function rows(int $totalUs, Deadline $deadline): ?array
    {
        $rows = [$this->row(self::MAIN, $totalUs)];
        unset($this->exclusive[self::MAIN]);
        $largest = Largest::of($this->exclusive, self::MAX + self::OWN_AT_MOST, $deadline);
        if ($largest === null) {
            return null;
        }
        foreach ($largest as $function => $us) {
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
