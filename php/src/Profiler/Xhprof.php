<?php

namespace Transmit\Profiler;

use Transmit\Deadline;

/**
 * Measures with the extension tideways_xhprof or xhprof, which measure each call.
 */
final class Xhprof
{
    /** Memory for the sums, measured: 60 to 230 bytes. More with long names, and with a call graph. */
    private const BYTES_PER_EDGE = 384;

    /** @var string which of the two */
    private $extension;

    /** @var int no CPU times: they cost a system call for each function call */
    private $flags;

    /** @var array<string, array<string, int>> by "caller==>callee" */
    private $edges = [];

    public function __construct(string $extension)
    {
        $this->extension = $extension;
        $this->flags = self::flag($extension === 'xhprof' ? 'XHPROF_FLAGS_MEMORY' : 'TIDEWAYS_XHPROF_FLAGS_MEMORY_MU');
        if ($extension !== 'xhprof' && PHP_VERSION_ID >= 80200) {
            // PHP 8.2 tells its observers of internal functions too; with the extension's own hook each counts twice.
            $this->flags |= self::flag('TIDEWAYS_XHPROF_FLAGS_NO_BUILTINS');
        }
    }

    public function enable(): void
    {
        $this->extension === 'xhprof' ? xhprof_enable($this->flags) : tideways_xhprof_enable($this->flags);
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

    /** @return int the bytes of memory that section() may need */
    public function stop(): int
    {
        $this->edges = $this->disable();
        return count($this->edges) * self::BYTES_PER_EDGE;
    }

    /** @return array{array<string, mixed>, array<string, bool>}|null the profiling section, marks; null: no time for it */
    public function section(float $elapsedMs, Options $options, Deadline $deadline): ?array
    {
        $functions = TopFunctions::of($this->edges, $elapsedMs, $deadline);
        if ($functions === null || !$options->callGraph) {
            return $functions === null ? null : [['top_functions' => $functions], []];
        }
        $edges = TopFunctions::edges($this->edges, $elapsedMs, $deadline);
        return $edges === null
            ? [['top_functions' => $functions], ['call_graph_truncated' => true]]
            : [['top_functions' => $functions, 'call_graph' => $edges], []];
    }

    private function disable(): array
    {
        return ($this->extension === 'xhprof' ? xhprof_disable() : tideways_xhprof_disable()) ?: [];
    }
}
