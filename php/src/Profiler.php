<?php

namespace Transmit;

use Transmit\Profiler\HttpRequest;
use Transmit\Profiler\TopFunctions;

/**
 * Profiles one request, if tideways_xhprof or xhprof is there, and sends what it found
 * after the page is out. It prints nothing, sets no header and keeps the exit code.
 *
 * The end is a destructor's: PHP calls those after all shutdown functions, also after one
 * that called exit, and what the application's own destructors print still gets out.
 */
final class Profiler
{
    /** Set free at the end of a request that ran out of memory, until makeRoom() has made more. */
    private const RESERVE_BYTES = 32768;
    private const MORE_MEMORY_BYTES = 33554432;

    /** @var string|null */
    private static $reserve;

    /** @var int hrtime(true) */
    private static $started;

    /** @var self|null whose destructor ends it */
    private static $end;

    /** @var callable(): array|null what ends the profiling and gives what it measured */
    private static $stop;

    public static function start(): void
    {
        if (self::$end !== null) {
            return;
        }
        self::$started = hrtime(true);
        self::$reserve = str_repeat("\0", self::RESERVE_BYTES);
        self::$end = new self();
        register_shutdown_function([self::class, 'moveEnd']);
        self::$stop = self::startExtension();
    }

    /**
     * PHP destroys the oldest objects first, and after a fatal error those made at shutdown only.
     *
     * @internal
     */
    public static function moveEnd(): void
    {
        self::$reserve = null;
        self::$end = new self();
    }

    public function __destruct()
    {
        if (self::$end === $this) {
            self::finish();
        }
    }

    private static function finish(): void
    {
        if (function_exists('pcntl_async_signals')) {
            pcntl_async_signals(false); // nobody is left to catch what a handler throws
        }
        $elapsedMs = (hrtime(true) - self::$started) / 1e6;
        self::makeRoom();
        $measured = self::$stop === null ? [] : call_user_func(self::$stop); // as in Quiet::call
        if (function_exists('fastcgi_finish_request')) {
            fastcgi_finish_request();
        }
        // Only now: until here the application may define its own get_profiling_config().
        require_once dirname(__DIR__) . '/transmitter.php';
        Quiet::call(static function () use ($elapsedMs, $measured): void {
            self::send($elapsedMs, is_array($measured) ? $measured : []);
        }, null);
    }

    private static function send(float $elapsedMs, array $measured): void
    {
        $settings = Settings::current();
        if ($elapsedMs < $settings->slowThresholdMs) {
            return;
        }
        send_profiling_data(HttpRequest::describe($settings->urlQuery) + [
            'elapsed_ms' => round($elapsedMs, 3),
            'peak_memory_bytes' => memory_get_peak_usage(true),
            'xhprof' => ['profiling' => ['top_functions' => TopFunctions::of($measured)]],
        ]);
    }

    /** @return callable|null what ends it */
    private static function startExtension(): ?callable
    {
        // No CPU times: they cost a system call for each function call.
        if (function_exists('tideways_xhprof_enable')) {
            tideways_xhprof_enable(TIDEWAYS_XHPROF_FLAGS_MEMORY_MU);
            return 'tideways_xhprof_disable';
        }
        if (function_exists('xhprof_enable')) {
            xhprof_enable(XHPROF_FLAGS_MEMORY);
            return 'xhprof_disable';
        }
        return null;
    }

    private static function makeRoom(): void
    {
        if ((int) ini_get('memory_limit') > 0 && function_exists('ini_set')) {
            @ini_set('memory_limit', (string) (memory_get_usage(true) + self::MORE_MEMORY_BYTES));
        }
    }
}
