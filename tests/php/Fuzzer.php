<?php

namespace Fuzz;

use Transmit\Native;
use Transmit\Settings;
use Transmit\Test\Listener;
use Transmit\Test\Scratch;

/**
 * Sends each random value natively and in plain PHP. Stops at the first one of which one of these is not so, and prints
 * its seed, which repeats it:
 *
 * - What arrives is json_encode's JSON, whole or with the lists of "sql" and "xhprof" cut and marked so, or nothing,
 *   with a log line: where it is nested too deep, an object throws, or time or memory do not suffice.
 * - A call takes 50 ms of CPU time at most (60, for a busy machine). With time for everything, it takes a few times
 *   as long as json_encode.
 * - The process lives, also next to memory_limit. Nothing is raised or thrown. No method of an object is called that
 *   json_encode would not call. json_last_error() and the error handler stay, also when an object exits or suspends.
 * - Whatever arrives can be replayed from the disk, and what is nested too deep cannot.
 */
final class Fuzzer
{
    /** For replay_disk_buffer(): no limit that matters here. */
    private const NO_LIMIT = [0, -1, PHP_INT_MIN, PHP_INT_MAX, 1 << 54];

    /** Kinds of calls: with time for everything; with the usual 50 ms; with little memory. */
    private const PATIENT = 0;
    private const TIMED = 1;
    private const SHORT_OF_MEMORY = 2;

    private const TIMEOUT_US = [60000000, 50000, 1000000];

    /** What get_profiling_config() returns. */
    public static array $config;

    /** How often raised() was called for the error that resumed() raised. */
    private static int $heard = 0;

    private Listener $listener;
    private string $buffer;
    private string $log;
    private int $seed = 0;
    private int $mode = self::TIMED;
    private Profile $profile;

    public function __construct(string $folder)
    {
        $this->buffer = "$folder/b";
        $this->log = "$folder/log";
        mkdir($this->buffer, 0700);
        ini_set('error_log', $this->log);
        $this->listener = new Listener("$folder/s");
        self::$config = ['listener_socket' => "$folder/s", 'buffer_dirs' => [$this->buffer], 'buffer_max_files' => 0];
        set_error_handler([$this, 'raised']);
        register_shutdown_function([$this, 'ended']);
    }

    public static function cpuMs(): float
    {
        $used = getrusage();
        return ($used['ru_utime.tv_sec'] + $used['ru_stime.tv_sec']) * 1e3
            + ($used['ru_utime.tv_usec'] + $used['ru_stime.tv_usec']) / 1e3;
    }

    /** @return bool true; where something is wrong, the process ends */
    public function check(int $seed): bool
    {
        $this->seed = $seed;
        $this->profile = new Profile($seed);
        $this->mode = $this->profile->isSmall() ? $seed % 3 : self::TIMED + $seed % 2;
        self::$config['timeout_us'] = self::TIMEOUT_US[$this->mode];
        self::$config['max_datagram_size'] = $this->profile->maxDatagramSize;
        $isAsked = $this->profile->isSmall() && !$this->profile->has('exits');
        $expected = $isAsked ? new Expected($this->profile) : null;
        foreach ([null, ''] as $library) {
            self::$config['library'] = $library;
            if ($library === null && !Native::isUsable(Settings::current())) {
                $this->fail(Native::why());
            }
            if ($this->profile->has('exits')) {
                $this->checkExit();
                continue;
            }
            $this->checkSend($expected);
            if ($expected !== null && $this->mode === self::PATIENT) {
                $this->checkReplay($expected);
            }
        }
        return true;
    }

    private function checkSend(?Expected $expected): void
    {
        json_decode('[');
        Serializable::$calls = 0;
        Watched::$called = [];
        [$isSent, $got, $cpu] = $this->send();
        $calls = Serializable::$calls;
        if (json_last_error() !== JSON_ERROR_SYNTAX) {
            $this->fail('json_last_error() is another');
        }
        if (Watched::$called !== [] || $calls > ($expected->calls ?? INF)) {
            $this->fail('json_encode does not call: ' . (Watched::$called[0] ?? "jsonSerialize() $calls times"));
        }
        $this->checkLoss($isSent, $got);
        if ($expected !== null) {
            $this->checkJson($got, $expected);
        }
        if ($this->mode !== self::SHORT_OF_MEMORY) {
            $this->checkTime($cpu, $this->mode === self::TIMED ? 60 : 60 + 20 * $expected->cpu);
        }
    }

    /** Sends it again if it took too long: a busy machine makes CPU time longer, too. */
    private function checkTime(float $cpu, float $limit): void
    {
        $limit += (float) getenv('TRANSMIT_LATE_MS');
        for ($try = 0; $try < 3 && $cpu > $limit; $try++) {
            $cpu = min($cpu, $this->send()[2]);
        }
        if ($cpu > $limit) {
            $this->fail(sprintf('%.1f ms of CPU time, limit %.1f', $cpu, $limit));
        }
    }

    /** Plain PHP may write any line, because send() removes the times of the last ones. */
    private function checkLoss(bool $isSent, ?string $got): void
    {
        $log = (string) file_get_contents($this->log);
        if (preg_match('/\w*Error at .*/', $log, $found) === 1) {
            $this->fail($found[0]);
        }
        if ($got === null && ($isSent || self::$config['library'] === '' && strpos($log, 'profile lost') === false)) {
            $this->fail($isSent ? 'sent, and nothing arrived' : "lost without a log line: $log");
        }
    }

    private function checkJson(?string $got, Expected $expected): void
    {
        $may = $expected->mayArrive($this->profile->maxDatagramSize);
        if ($this->mode !== self::PATIENT && !$expected->isTooDeep) {
            $may[] = null;
            $may[] = $expected->cut; // encoding it whole took too long
            $isUp = strpos((string) $got, '"sql_queries_examined":') !== false; // not all, and it says so
            $may[] = $isUp ? $got : null;
        }
        if (!in_array($got, $may, true)) {
            $same = strspn((string) $got ^ (string) $may[0], "\0");
            fwrite(STDERR, "after $same bytes: want " . substr((string) $may[0], max(0, $same - 20), 300) . "\n"
                . 'got ' . substr((string) $got, max(0, $same - 20), 300) . "\n");
            $this->fail($got === null ? 'lost' : 'other JSON');
        }
    }

    /** An object exits: the application's shutdown functions find its error handler. */
    private function checkExit(): void
    {
        $process = pcntl_fork();
        if ($process === 0) {
            register_shutdown_function(function (): void {
                $isOurs = set_error_handler(null) === [$this, 'raised'];
                $isOurs || fwrite(STDERR, "the error handler is not the application's\n");
                $isOurs || exit(1);
            });
            $this->sendAlone();
            exit(0);
        }
        pcntl_waitpid($process, $status);
        if (pcntl_wexitstatus($status) === 0) {
            $this->arrived(true); // nothing had time to exit
        } elseif (pcntl_wexitstatus($status) !== Serializable::EXIT_STATUS) {
            $this->fail("an object exits: status $status");
        }
    }

    /** A profile can be replayed if it can be sent. */
    private function checkReplay(Expected $expected): void
    {
        $levels = Maker::oneOf([1, 510, 511, 512, 513, 600]);
        $json = str_repeat('{"a":', $levels) . '1' . str_repeat('}', $levels);
        $isTooDeep = $levels > 512;
        if ($expected->cut !== null && strlen($expected->cut) <= $this->profile->maxDatagramSize) {
            [$json, $isTooDeep] = Maker::oneOf([[$json, $isTooDeep], [$expected->cut, $expected->isTooDeep]]);
        }
        write_to_disk_buffer($json);
        cleanup_old_buffers(PHP_INT_MAX);
        $sent = replay_disk_buffer(Maker::oneOf(self::NO_LIMIT), Maker::oneOf(self::NO_LIMIT));
        $got = $sent === 0 ? null : $this->listener->receive();
        if ($got !== ($isTooDeep ? null : $json)) {
            $this->fail("replayed $sent: " . substr((string) $got, 0, 300));
        }
        write_to_disk_buffer($json);
        cleanup_old_buffers(PHP_INT_MIN);
        if (glob("$this->buffer/*.json") !== []) {
            $this->fail('not removed: ' . glob("$this->buffer/*.json")[0]);
        }
    }

    /** @return array{bool, string|null, float} whether it is sent; what has arrived; milliseconds of CPU time */
    private function send(): array
    {
        array_map('unlink', glob(Scratch::root() . '/.transmit-*/log*'));
        file_put_contents($this->log, '');
        $cpu = self::cpuMs();
        $isSent = $this->sendAlone();
        $cpu = self::cpuMs() - $cpu;
        $this->settle();
        return [$isSent, $this->arrived($isSent), $cpu];
    }

    private function sendAlone(): bool
    {
        if ($this->mode === self::SHORT_OF_MEMORY) {
            gc_mem_caches();
            $before = ini_set('memory_limit', (string) (memory_get_usage(true) + $this->profile->memoryLeft));
        }
        try {
            return self::resumed($this->profile, function (): bool {
                return send_profiling_data($this->profile->data);
            });
        } finally {
            isset($before) && ini_set('memory_limit', $before);
        }
    }

    /**
     * Runs a function to its end. Whenever an object suspends it, the application raises an error.
     *
     * @return mixed
     */
    public static function resumed(Profile $profile, \Closure $work)
    {
        if (!$profile->has('suspends')) {
            return $work();
        }
        $fiber = new \Fiber($work);
        for ($fiber->start(); $fiber->isSuspended(); $fiber->resume()) {
            self::$heard = 0;
            trigger_error('meanwhile');
            if (self::$heard !== 1) {
                throw new \LogicException('an error of the application did not reach its handler');
            }
        }
        return $fiber->getReturn();
    }

    /** Waits for what the library still writes. */
    private function settle(): void
    {
        do {
            $counts = get_transmit_stats()['process'];
            $isPending = $counts !== null && $counts['pending'] > $counts['written_later'] + $counts['lost_later'];
        } while ($isPending && usleep(1000) === null);
    }

    /** @return string|null what has arrived, with nothing but marks in "_meta"; null: nothing */
    private function arrived(bool $isSent): ?string
    {
        $json = $isSent ? $this->listener->receive() : null;
        foreach (glob("$this->buffer/profile_*.json") as $file) {
            $json .= file_get_contents($file);
            unlink($file);
        }
        $meta = strrpos((string) $json, '"_meta":{"timestamp"');
        return $meta === false ? $json
            : substr($json, 0, $meta) . preg_replace('/"timestamp":.*"id":"[0-9a-f]{16}",?/', '', substr($json, $meta));
    }

    /** @internal the error handler of the application */
    public function raised(int $level, string $message, string $file, int $line): bool
    {
        self::$heard += $message === 'meanwhile' ? 1 : 0;
        if ($message !== 'meanwhile' && (error_reporting() & $level) !== 0) {
            $this->fail("raised: $message at $file:$line");
        }
        return true;
    }

    /** @internal a shutdown function */
    public function ended(): void
    {
        $last = error_get_last();
        if ($last !== null && ($last['type'] & (E_ERROR | E_CORE_ERROR | E_COMPILE_ERROR)) !== 0) {
            fwrite(STDERR, "fuzz: seed $this->seed: {$last['message']} at {$last['file']}:{$last['line']}\n");
        }
    }

    private function fail(string $what): void
    {
        $face = self::$config['library'] === null ? 'native' : 'plain';
        fwrite(STDERR, "fuzz: seed $this->seed, $face: $what\n{$this->profile->recipe}\n");
        fwrite(STDERR, "repeat it: php tests/php/fuzz.php 0 $this->seed\n");
        exit(1);
    }
}
