<?php

namespace Transmit\Profiler;

use Transmit\Profile;
use Transmit\Quiet;
use Transmit\Settings;

/**
 * One profile, from the start of measuring until it is sent.
 */
final class Recording
{
    /** @var string what it is a profile of, if the application says so */
    public $name = '';

    /** @var array<string, list<array>> the application's own lists, by name */
    public $sections = [];

    /** @var list<array{sql: string, time_ms: float}> */
    public $queries = [];

    /** @var Options */
    private $options;

    /** @var bool whether it is sent however fast it was */
    private $isForced;

    /** @var int */
    private $pid;

    /** @var float Unix time */
    private $startedAt;

    /** @var int hrtime(true) */
    private $start;

    /** @var Xhprof|Excimer|null null: there is no such extension */
    private $backend;

    /** @var Limits */
    private $limits;

    private function __construct(Options $options, bool $isForced)
    {
        $this->options = $options;
        $this->isForced = $isForced;
        $this->pid = getmypid();
    }

    public static function begin(Options $options, bool $isForced): self
    {
        $recording = new self($options, $isForced);
        $name = self::backend($options->profiler);
        $recording->startedAt = microtime(true);
        $recording->start = hrtime(true);
        if ($name === 'excimer') {
            self::load('Excimer');
            $recording->backend = Excimer::start($options->sampleIntervalMs);
        } elseif ($name !== '') {
            self::load('Xhprof');
            $recording->backend = Xhprof::start($name);
        }
        self::load('Limits'); // now: at the end there may be no memory for it
        $recording->limits = new Limits($recording->backend instanceof Xhprof);
        return $recording;
    }

    /** Not so in a child that was forked meanwhile. */
    public function isOfThisProcess(): bool
    {
        return $this->pid === getmypid();
    }

    public function discard(): void
    {
        if ($this->backend !== null) {
            $this->backend->discard();
        }
    }

    /** Before any other class is loaded. */
    public function prepareEnd(): void
    {
        $this->limits->extend((hrtime(true) - $this->start) / 1e9);
    }

    public function end(): void
    {
        $elapsedMs = (hrtime(true) - $this->start) / 1e6;
        try {
            $measured = $this->measured($elapsedMs);
            Quiet::call(function () use ($elapsedMs, $measured): void {
                $this->send($elapsedMs, $measured);
            }, null);
        } finally {
            $this->limits->restore();
        }
    }

    /** After the profile is sent, and with the session written, which PHP does only later otherwise. */
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

    /** @return array<string, mixed> the profiling section */
    private function measured(float $elapsedMs): array
    {
        if ($this->backend === null || !$this->limits->hasRoom()) {
            return ['top_functions' => [TopFunctions::main($elapsedMs)]];
        }
        return $this->backend->stop($elapsedMs, $this->options);
    }

    /** @param array<string, mixed> $measured */
    private function send(float $elapsedMs, array $measured): void
    {
        Settings::current();
        $this->options = new Options(Settings::config()); // the application's own may be there only now
        if (!$this->isForced && $elapsedMs < $this->options->slowThresholdMs) {
            return;
        }
        $data = HttpRequest::describe($this->options->urlQuery) + [
            'elapsed_ms' => round($elapsedMs, 3),
            'peak_memory_bytes' => memory_get_peak_usage(true),
            'xhprof' => ['profiling' => $measured],
        ];
        Profile::send($data, hrtime(true));
    }

    /** @return string the extension that measures; "": none */
    private static function backend(string $wanted): string
    {
        $found = array_filter(
            $wanted === 'auto' ? self::preferred() : [$wanted],
            'extension_loaded'
        );
        return (string) reset($found);
    }

    /** @return list<string> */
    private static function preferred(): array
    {
        $exact = ['tideways_xhprof', 'xhprof'];
        self::load('Selection');
        // Who profiles one command by hand is not in a hurry, and wants to know how often each function is called.
        return (PHP_SAPI === 'cli' || PHP_SAPI === 'phpdbg') && Selection::isAskedFor()
            ? array_merge($exact, ['excimer'])
            : array_merge(['excimer'], $exact);
    }

    /** Without an autoloader, of which the application would know. */
    private static function load(string $class): void
    {
        if (!class_exists(__NAMESPACE__ . "\\$class", false)) {
            include __DIR__ . "/$class.php";
        }
    }
}
