<?php

namespace Transmit;

use Transmit\Profiler\Options;
use Transmit\Profiler\Recording;
use Transmit\Profiler\Selection;
use Transmit\Profiler\Shutdown;

use function is_array;
use function is_int;
use function is_string;

/**
 * Measures a request, or one job of a process that serves many, and sends the profile. No function throws an exception
 * of its own, prints or raises a warning. While nothing is measured, each costs one call.
 *
 * To leave the application unchanged, it declares only classes, and registers no autoloader before the end.
 */
final class Profiler
{
    /** @var Recording|null the profile that is being measured */
    private static $recording = null;

    /** @var bool whether $recording is not enabled yet */
    private static $isNew = false;

    /** @var bool whether profile() runs a job */
    private static $isInJob = false;

    private function __construct()
    {
    }

    /** Starts a profile if the settings select this request or command. auto_prepend.php calls it. */
    public static function startRequest(): void
    {
        $work = static function (): void {
            $config = self::config();
            $rate = self::rateFor($config);
            if ($rate !== null && !self::isInSample($rate)) {
                return;
            }
            Autoloader::need(Options::class);
            $options = new Options($config);
            $isForced = false;
            if (self::mayBeRefused($options)) {
                Autoloader::need(Selection::class);
                if (!Selection::mayBegin($options)) {
                    return;
                }
                $isForced = Selection::isForced($options);
            }
            self::begin($options, $isForced, $rate === null);
        };
        self::lightly($work); // a variable: see guarded()
        self::enable();
    }

    /** Starts a profile, unless one is being measured or sample_rate excludes it. It ends at stop() or with the process. */
    public static function start(): void
    {
        self::guarded(static function (): void {
            Autoloader::need(Options::class);
            self::begin(new Options(self::config()), false, true);
        });
        self::enable();
    }

    /** Ends the profile and sends it. */
    public static function stop(): void
    {
        self::end();
    }

    /** Ends the profile without sending it. A forked child does this with its parent's profile. */
    public static function discard(): void
    {
        $recording = self::$recording;
        if ($recording === null) {
            return;
        }
        self::guarded(static function () use ($recording): void {
            self::$recording = null;
            $recording->discard();
        });
    }

    /**
     * Names the profile, such as by its route if the URL contains an id, or by the class of a job.
     *
     * @param string $name
     */
    public static function name($name): void
    {
        if (self::$recording !== null && is_string($name)) {
            self::$recording->name = $name;
        }
    }

    /**
     * Adds a row to a list of the application, at the top level of the profile. A list has at most 1,000 rows, and not
     * the name of a field of the profile, such as "url": other rows are dropped, and "_meta" has rows_dropped.
     *
     * @param string $section
     * @param array<mixed> $row
     */
    public static function add($section, $row): void
    {
        if (self::$recording !== null) {
            self::inPage(static function () use ($section, $row): void {
                if (is_string($section) && is_array($row)) {
                    self::$recording->add($section, $row);
                }
            });
        }
    }

    /**
     * Adds a query to sql.queries.
     *
     * @param string $sql
     * @param float $ms
     */
    public static function query($sql, $ms): void
    {
        if (self::$recording !== null) {
            self::inPage(static function () use ($sql, $ms): void {
                if (is_string($sql) && is_numeric($ms)) {
                    self::$recording->query($sql, (float) $ms);
                }
            });
        }
    }

    /** Whether a profile is being measured. Check it before collecting data for add() at some cost. */
    public static function isActive(): bool
    {
        return self::$recording !== null;
    }

    /**
     * Runs one job of a process that serves many, and measures it as a profile of its own. Exceptions of the job pass.
     *
     * Inside another job, or in a web request that is measured, the job is a part of that profile.
     *
     * @param string $name
     * @return mixed the job's result
     */
    public static function profile($job, $name = '')
    {
        try {
            $call = \Closure::fromCallable($job); // is_callable() may be disabled
        } catch (\TypeError $notCallable) {
            return null;
        }
        if (self::$recording !== null && (self::$isInJob || PHP_SAPI !== 'cli')) {
            return $call();
        }
        self::discard();
        self::start();
        self::name($name);
        self::$isInJob = true;
        try {
            return $call();
        } finally {
            self::$isInJob = false;
            self::stop();
        }
    }

    /** @internal the request ends, and its profile: Shutdown calls this */
    public static function endRequest(): void
    {
        self::end(true);
    }

    /** @return mixed the application's array; null: it has none */
    private static function config()
    {
        return function_exists('get_profiling_config') ? get_profiling_config() : null;
    }

    /**
     * The sample rate, without Options, which takes longer to load than all that a request that is not measured needs.
     *
     * @param mixed $config
     * @return float|null null: Options must be asked, because the rate is not valid, or a secret may force the request
     */
    private static function rateFor($config): ?float
    {
        $config = is_array($config) ? $config : [];
        $secret = $config['force_secret'] ?? get_cfg_var('transmit.force_secret');
        $rate = $config['sample_rate'] ?? null;
        if ($rate === null) {
            $text = get_cfg_var('transmit.sample_rate');
            $rate = is_string($text) && is_numeric($text) ? (float) $text : null;
        }
        $isValid = (is_int($rate) || $rate === (float) $rate) && $rate >= 0;
        return $isValid && ($secret === '' || $secret === false) ? (float) $rate : null;
    }

    /** Whether Selection has to decide. It is not loaded otherwise, because it makes PHP fill $_SERVER. */
    private static function mayBeRefused(Options $options): bool
    {
        return $options->exclude !== [] || $options->forceSecret !== ''
            || PHP_SAPI === 'cli' || PHP_SAPI === 'phpdbg' || function_exists('frankenphp_handle_request');
    }

    /** @param bool $isToDraw whether sample_rate decides now */
    private static function begin(Options $options, bool $isForced, bool $isToDraw): void
    {
        if (self::$recording !== null && self::$recording->isOfThisProcess()) {
            return;
        }
        self::discard();
        if ($isToDraw && !$isForced && !self::isInSample($options->sampleRate)) {
            return;
        }
        Autoloader::need(Shutdown::class);
        Shutdown::prepare();
        self::loadGuard();
        Autoloader::need(Recording::class);
        self::$recording = Recording::begin($options, $isForced);
        self::$isNew = true;
    }

    private static function isInSample(float $rate): bool
    {
        return $rate >= 1 || $rate > 0 && $rate * PHP_INT_MAX >= random_int(1, PHP_INT_MAX);
    }

    private static function enable(): void
    {
        if (self::$isNew) {
            self::$isNew = false;
            try { // not guarded(), because its calls would be measured
                self::$recording->enable();
            } catch (\Throwable $e) {
                self::$recording = null;
                self::failed($e);
            }
        }
    }

    private static function end(bool $isLast = false): void
    {
        $recording = self::$recording; // freed after guarded(): destructors of the application's rows may warn
        if ($recording === null) {
            return;
        }
        Shutdown::freeReserve();
        self::guarded(static function () use ($recording, $isLast): void {
            self::$recording = null;
            if (!$recording->isOfThisProcess()) {
                $recording->discard();
                return;
            }
            try {
                $recording->prepareEnd();
            } catch (\RuntimeException $e) { // no memory to load Log
                error_log('Profiler: nothing is measured: ' . $e->getMessage());
                return;
            } catch (\Error $disabled) { // a function
                $recording->discard(); // a command must not end before excimer's threads
                throw $disabled;
            }
            $isNew = Autoloader::registerFirst();
            try {
                $recording->end();
            } finally {
                if ($isNew) {
                    Autoloader::unregister();
                }
            }
            if ($isLast) {
                $recording->finishRequest();
            }
        });
    }

    /** Runs $work. Its warnings and exceptions do not reach the application, whose signal handlers run afterwards. */
    private static function guarded(\Closure $work): void
    {
        try {
            self::loadGuard();
        } catch (\Error $disabled) { // a function
            self::report($disabled);
            return;
        }
        // A variable, so that objects are freed in the order in which PHP gives their numbers to the application again.
        $safe = static function () use ($work): void {
            try {
                $work();
            } catch (\Throwable $e) {
                self::report($e);
            }
        };
        Quiet::call($safe, null);
    }

    /** What guarded() needs. At the end, there may be no memory for it. */
    private static function loadGuard(): void
    {
        foreach ([Quiet::class, Signals::class, JsonError::class] as $class) {
            Autoloader::need($class);
        }
    }

    /** As guarded(), but it loads less, for the requests that are not sampled. Nothing of the application has run yet. */
    private static function lightly(\Closure $work): void
    {
        $areHeld = $isQuiet = false;
        try {
            if (function_exists('pcntl_async_signals')) {
                Autoloader::need(Signals::class);
                $areHeld = Signals::hold();
            }
            $isQuiet = function_exists('set_error_handler') && function_exists('restore_error_handler');
            if ($isQuiet) {
                set_error_handler([self::class, 'ignore']);
            }
            $work();
        } catch (\Throwable $e) {
            self::report($e);
        } finally {
            if ($isQuiet) {
                restore_error_handler();
            }
            if ($areHeld) {
                Signals::release();
            }
        }
    }

    /** A call of the application. A disabled function raises a warning on PHP 7.4, and is an Error on PHP 8. */
    private static function inPage(\Closure $work): void
    {
        if (PHP_VERSION_ID < 80000) {
            self::lightly($work);
            return;
        }
        try {
            $work();
        } catch (\Error $disabled) {
            self::failed($disabled);
        }
    }

    /** @internal an error handler */
    public static function ignore(): bool
    {
        return true;
    }

    /** Logs what was thrown outside of guarded(). */
    private static function failed(\Throwable $e): void
    {
        self::guarded(static function () use ($e): void {
            throw $e;
        });
    }

    private static function report(\Throwable $e): void
    {
        try {
            $isNew = Autoloader::registerFirst();
            Log::write(Result::EPANIC, 'nothing is measured: ' . $e->getMessage(), null);
            $isNew && Autoloader::unregister();
        } catch (\Throwable $second) {
            return;
        }
    }
}
