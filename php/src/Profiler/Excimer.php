<?php

namespace Transmit\Profiler;

/**
 * The extension excimer: it looks at what runs every few milliseconds. So it tells times, and no calls.
 */
final class Excimer
{
    private const MAX_DEPTH = 500;

    /** A command may end right after this, and a thread that a timer has started must not outlive the extension. */
    private const THREAD_ENDS_US = 2000;

    /** @var \ExcimerProfiler by the clock */
    private $real;

    /** @var \ExcimerProfiler by the CPU time that was used */
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
    }

    /** @return array<string, mixed> the profiling section */
    public function stop(float $elapsedMs, Options $options): array
    {
        $this->discard();
        $real = $this->real->getLog();
        $rows = SampledFunctions::of($real, $this->cpu->getLog(), $this->intervalMs, $elapsedMs);
        if (PHP_SAPI === 'cli') {
            usleep(self::THREAD_ENDS_US);
        }
        $stacks = $options->stacks ? ['stacks' => SampledFunctions::stacks($real)] : [];
        return ['sample_interval_ms' => $this->intervalMs, 'top_functions' => $rows] + $stacks;
    }

    private static function profiler(int $eventType, float $intervalMs): \ExcimerProfiler
    {
        $profiler = new \ExcimerProfiler();
        $profiler->setEventType($eventType);
        $profiler->setPeriod($intervalMs / 1000);
        $profiler->setMaxDepth(self::MAX_DEPTH);
        $profiler->start();
        return $profiler;
    }
}
