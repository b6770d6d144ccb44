<?php

namespace Transmit\Profiler;

use Transmit\Deadline;

/**
 * Measures with the extension excimer, a sampling profiler. It tells times, but no numbers of calls.
 */
final class Excimer
{
    private const MAX_DEPTH = 500;

    /** How often at most, and at which interval, a command checks whether a timer's thread still runs. */
    private const LOOKS = 100;
    private const THREAD_ENDS_US = 1000;

    /** @var \ExcimerProfiler measures elapsed time */
    private $real;

    /** @var \ExcimerProfiler measures CPU time */
    private $cpu;

    /** @var float */
    private $intervalMs;

    public static function start(float $intervalMs): self
    {
        $measurement = new self();
        $measurement->intervalMs = $intervalMs;
        $measurement->real = self::profiler(EXCIMER_REAL, $intervalMs);
        $measurement->cpu = self::profiler(EXCIMER_CPU, $intervalMs);
        return $measurement;
    }

    public function discard(): void
    {
        $this->real->stop();
        $this->cpu->stop();
        if (PHP_SAPI === 'cli') {
            self::awaitThreads();
        }
    }

    /** Waits until the timers' threads have ended: they must not outlive the extension, and a command may end now. */
    public static function awaitThreads(): void
    {
        try {
            for ($looks = $quiet = 0; $quiet < 2 && $looks < self::LOOKS; $looks++) {
                usleep(self::THREAD_ENDS_US); // needs two quiet checks, because one thread starts another
                $quiet = self::isAnyRunning() ? 0 : $quiet + 1;
            }
        } catch (\Error $e) {
            return; // a function is disabled
        }
    }

    /** Whether another thread runs. False also if /proc cannot be read. */
    private static function isAnyRunning(): bool
    {
        foreach (glob('/proc/self/task/*/stat') ?: [] as $path) {
            $stat = (string) file_get_contents($path); // "" if it has ended
            $state = substr($stat, (int) strrpos($stat, ')') + 2, 1);
            if ((int) $stat !== getmypid() && ($state === 'R' || $state === 'D')) {
                return true;
            }
        }
        return false;
    }

    /** @return int the bytes of memory that section() may need, beyond what Limits provides */
    public function stop(): int
    {
        $this->discard();
        return 0;
    }

    /** @return array{array<string, mixed>, array<string, bool>}|null the profiling section, marks; null: no time for it */
    public function section(float $elapsedMs, Options $options, Deadline $deadline): ?array
    {
        $real = $this->real->getLog();
        $rows = SampledFunctions::of($real, $this->cpu->getLog(), $this->intervalMs, $elapsedMs, $deadline);
        if ($rows === null) {
            return null;
        }
        $section = ['sample_interval_ms' => $this->intervalMs, 'top_functions' => $rows];
        $stacks = $options->stacks ? SampledFunctions::stacks($real, $deadline) : '';
        return $stacks === null
            ? [$section, ['stacks_dropped' => true]]
            : [$section + ($options->stacks ? ['stacks' => $stacks] : []), []];
    }

    private static function profiler(int $eventType, float $intervalMs): \ExcimerProfiler
    {
        if (!class_exists('ExcimerProfiler', false)) {
            throw new \RuntimeException('the extension excimer is not loaded');
        }
        $profiler = new \ExcimerProfiler();
        $profiler->setEventType($eventType);
        $profiler->setPeriod($intervalMs / 1000);
        $profiler->setMaxDepth(self::MAX_DEPTH);
        $profiler->start();
        return $profiler;
    }
}
