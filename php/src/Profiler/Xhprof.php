<?php

namespace Transmit\Profiler;

/**
 * Measures with the extension tideways_xhprof or xhprof, which measure each call.
 */
final class Xhprof
{
    /** @var string which of the two */
    private $extension;

    public function __construct(string $extension)
    {
        $this->extension = $extension;
    }

    /** No CPU times: they cost a system call for each function call. */
    public function enable(): void
    {
        if ($this->extension === 'xhprof') {
            xhprof_enable(self::flag('XHPROF_FLAGS_MEMORY'));
            return;
        }
        $flags = self::flag('TIDEWAYS_XHPROF_FLAGS_MEMORY_MU');
        if (PHP_VERSION_ID >= 80200) {
            // PHP 8.2 tells its observers of internal functions too; with the extension's own hook each counts twice.
            $flags |= self::flag('TIDEWAYS_XHPROF_FLAGS_NO_BUILTINS');
        }
        tideways_xhprof_enable($flags);
    }

    /** Not every version of an extension has each of its flags. */
    private static function flag(string $name): int
    {
        return defined($name) ? (int) constant($name) : 0;
    }

    public function discard(): void
    {
        $this->disable();
    }

    /** @return array<string, mixed> the profiling section */
    public function stop(float $elapsedMs, Options $options): array
    {
        $edges = $this->disable();
        return ['top_functions' => TopFunctions::of($edges, $elapsedMs)]
            + ($options->callGraph ? ['call_graph' => TopFunctions::edges($edges, $elapsedMs)] : []);
    }

    private function disable(): array
    {
        return ($this->extension === 'xhprof' ? xhprof_disable() : tideways_xhprof_disable()) ?: [];
    }
}
