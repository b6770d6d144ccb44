<?php

namespace Transmit\Profiler;

use Transmit\Autoloader;
use Transmit\Deadline;
use Transmit\Log;
use Transmit\Native;
use Transmit\ProfileSender;
use Transmit\Result;
use Transmit\Settings;
use Transmit\TrySend;

/**
 * One profile, from the start of measuring until it is sent.
 */
final class Recording
{
    /** @var string the name that the application has given, such as a route */
    public $name = '';

    /** The most rows of a list that the application adds to. */
    private const ROWS = 1000;

    /** @var array<string, list<array>> the application's own lists, by name */
    private $sections = [];

    /** @var bool */
    private $hasDroppedRows = false;

    /** @var Queries|null */
    private $queries = null;

    /** @var Options */
    private $options;

    /** @var bool whether it is sent also if the request was fast */
    private $isForced;

    /** @var int */
    private $pid;

    /** @var float Unix time */
    private $startedAt;

    /** @var int hrtime(true) */
    private $start;

    /** @var int hrtime(true) */
    private $end;

    /** @var float|null CPU time of the process at the start; after prepareEnd(), that of the profile; null: unknown */
    private $cpuMs;

    /** @var int of the application: later, the profiler's own memory would count */
    private $peakMemoryBytes;

    /** @var Xhprof|Excimer|null null: no such extension is loaded, or its measurements have been dropped */
    private $backend;

    /** @var bool whether an extension measures it */
    private $isMeasured;

    /** @var Limits */
    private $limits;

    private function __construct(Options $options, bool $isForced)
    {
        $this->options = $options;
        $this->isForced = $isForced;
        $this->pid = self::pid();
    }

    public static function begin(Options $options, bool $isForced): self
    {
        Autoloader::need(Deadline::class);
        $recording = new self($options, $isForced);
        $name = self::backend($options->profiler);
        $recording->startedAt = microtime(true);
        $recording->cpuMs = self::cpuMs();
        $recording->start = Deadline::now();
        if ($name === 'excimer') {
            Autoloader::need(Excimer::class);
            $recording->backend = Excimer::start($options->sampleIntervalMs);
        } elseif ($name !== '') {
            Autoloader::need(Xhprof::class);
            $recording->backend = new Xhprof($name);
        }
        $recording->isMeasured = $name !== '';
        Autoloader::need(Limits::class); // now, because at the end there may be no memory for it
        $recording->limits = new Limits($recording->backend instanceof Xhprof);
        return $recording;
    }

    /** Begins to measure. It is the last step of the start, so that the profiler's own calls are not measured. */
    public function enable(): void
    {
        if ($this->backend instanceof Xhprof) {
            $this->backend->enable();
        }
    }

    public function add(string $section, array $row): void
    {
        if (count($this->sections[$section] ?? []) < self::ROWS) {
            $this->sections[$section][] = $row;
        } else {
            $this->hasDroppedRows = true;
        }
    }

    public function query(string $sql, float $ms): void
    {
        if ($this->queries === null) {
            Autoloader::need(Queries::class);
            $this->queries = new Queries();
        }
        $this->queries->add($sql, $ms);
    }

    /** Returns false in a child that was forked after the start. */
    public function isOfThisProcess(): bool
    {
        return $this->pid === self::pid();
    }

    public function discard(): void
    {
        if ($this->backend !== null) {
            $this->backend->discard();
        }
    }

    /**
     * Reads the totals and extends the limits. Call it before the end loads any other class.
     *
     * @throws \RuntimeException if the end would exceed memory_limit
     */
    public function prepareEnd(): void
    {
        $this->end = Deadline::now();
        $this->cpuMs = $this->cpuMs === null ? null : round(self::cpuMs() - $this->cpuMs, 3);
        $this->peakMemoryBytes = memory_get_peak_usage(true);
        $this->limits->extend(($this->end - $this->start) / 1e9);
        if (!$this->limits->mayEnd()) {
            throw new \RuntimeException('memory_limit leaves less than 2 MB, and ini_set() cannot raise it');
        }
    }

    public function end(): void
    {
        try {
            if ($this->isMeasured && !($this->limits->hasRoom() && $this->limits->hasRoomFor($this->backend->stop()))) {
                $this->backend = null; // frees what it has measured
            }
            $this->send(($this->end - $this->start) / 1e6);
        } catch (\Throwable $e) {
            Log::defect($e);
        } finally {
            $this->limits->restore();
        }
    }

    /** Ends the response, for the setting finish_request. It writes the session first, as PHP would do later. */
    public function finishRequest(): void
    {
        if (!$this->options->finishRequest) {
            return;
        }
        if (function_exists('session_status') && session_status() === PHP_SESSION_ACTIVE) {
            session_write_close();
        }
        ignore_user_abort(true);
        if (function_exists('fastcgi_finish_request')) {
            fastcgi_finish_request();
        } elseif (function_exists('litespeed_finish_request')) {
            litespeed_finish_request();
        }
    }

    private function send(float $elapsedMs): void
    {
        $settings = Settings::current();
        if (Settings::given() !== $this->options->given) {
            $this->options = new Options(Settings::given()); // the application may have defined its function only now
        }
        if (!$this->isForced && !$this->isWanted($elapsedMs, $settings)) {
            return;
        }
        $half = intdiv($settings->timeoutUs, 2);
        [$data, $marks] = $this->data($elapsedMs, $settings, Deadline::after($this->end, $half));
        $start = max($this->end, Deadline::now() - 1000 * $half); // the backend may have needed more
        $tried = TrySend::profile($data, $marks, Native::NO_WAIT, $start, $settings);
        if (Result::leavesItToPlain($tried)) {
            ProfileSender::send($data, $start, $tried, $marks, Native::NO_WAIT);
        }
    }

    /** @return array{array<string, mixed>, array<string, bool>} the profile, marks for "_meta" */
    private function data(float $elapsedMs, Settings $settings, Deadline $deadline): array
    {
        [$measured, $marks] = $this->measured($elapsedMs, $deadline);
        $data = HttpRequest::describe($this->options)
            + ($this->name === '' ? [] : ['name' => $this->name])
            + ['elapsed_ms' => round($elapsedMs, 3)]
            + ($this->cpuMs === null ? [] : ['cpu_ms' => $this->cpuMs])
            + ['peak_memory_bytes' => $this->peakMemoryBytes]
            + Origin::describe($this->startedAt, $this->pid)
            + ['xhprof' => ['profiling' => $measured]]
            + ($this->queries === null ? [] : $this->queries->section());
        $isTaken = array_intersect_key($this->sections, $data + ['_meta' => 0]) !== [];
        $marks += $isTaken || $this->hasDroppedRows ? ['rows_dropped' => true] : [];
        $data += $this->sections;
        [$data, $more] = $this->options->stacks || $this->options->callGraph
            ? Fit::apply($data, $settings, $deadline) : [$data, []];
        return [$data, $marks + $more];
    }

    /** @return array{array<string, mixed>, array<string, bool>} the profiling section, marks for "_meta" */
    private function measured(float $elapsedMs, Deadline $deadline): array
    {
        $measured = $this->backend === null ? null : $this->backend->section($elapsedMs, $this->options, $deadline);
        $ms = round($elapsedMs, 3);
        $main = [
            'function' => 'main()', 'calls' => 1, 'wall_ms' => $ms, 'exclusive_wall_ms' => $ms, 'memory_bytes' => 0,
        ];
        return $measured ?? [
            ['top_functions' => [$main]],
            $this->isMeasured ? ['functions_dropped' => true] : [],
        ];
    }

    private function isWanted(float $elapsedMs, Settings $settings): bool
    {
        return $elapsedMs >= $this->options->slowThresholdMs
            && ($this->options->maxPerMinute === 0
                || RateLimit::allows($this->options->maxPerMinute, $settings->listenerSocket));
    }

    private static function pid(): int
    {
        return function_exists('getmypid') ? (int) getmypid() : 0;
    }

    /** Null where threads serve requests, because getrusage() counts all threads, and where it is disabled. */
    private static function cpuMs(): ?float
    {
        if (PHP_ZTS || !function_exists('getrusage')) { // many hosts disable it, and getmypid()
            return null;
        }
        $used = getrusage();
        return ($used['ru_utime.tv_sec'] + $used['ru_stime.tv_sec']) * 1e3
            + ($used['ru_utime.tv_usec'] + $used['ru_stime.tv_usec']) / 1e3;
    }

    /** @return string the extension to measure with; "": none */
    private static function backend(string $wanted): string
    {
        foreach ($wanted === 'auto' ? self::preferred() : [$wanted] as $extension) {
            $isThere = $extension === 'excimer' // a function or class may be disabled
                ? class_exists('ExcimerProfiler', false) && extension_loaded('excimer')
                : function_exists("{$extension}_enable") && function_exists("{$extension}_disable");
            if ($isThere) {
                return $extension;
            }
        }
        return '';
    }

    /**
     * The extensions in order of preference. For a command, the number of calls is of more use than a low cost. Also,
     * excimer 1.0.4 can abort a process that ends or forks while a timer's thread starts.
     *
     * @return list<string>
     */
    private static function preferred(): array
    {
        $isCommand = PHP_SAPI === 'cli' || PHP_SAPI === 'phpdbg';
        return $isCommand ? ['tideways_xhprof', 'xhprof', 'excimer'] : ['excimer', 'tideways_xhprof', 'xhprof'];
    }
}
