<?php

namespace Transmit\Profiler;

use Transmit\Profiler;

/**
 * Ends the profile of a request after the application's shutdown functions, or when one of them calls exit().
 */
final class Shutdown
{
    /** A shutdown function may register another one. The profile waits for so many in a row. */
    private const ROUNDS = 16;

    /** Memory that is freed at the end, if all is used up: for the first shutdown function, then for the end itself. */
    private const RESERVE_BYTES = [24576, 16384];

    /** @var list<string> */
    private static $reserve = [];

    /** @var self|null its destructor ends the profile if a shutdown function calls exit() */
    private static $net = null;

    /** @var \Closure|null run(): a closure is called faster than a name */
    private static $again = null;

    /** @var int */
    private static $rounds = 0;

    private function __construct()
    {
    }

    /** Once in a process. */
    public static function prepare(): void
    {
        if (self::$net !== null) {
            return;
        }
        foreach (self::RESERVE_BYTES as $bytes) {
            self::$reserve[] = str_repeat("\0", $bytes);
        }
        self::$net = new self();
        if (function_exists('register_shutdown_function')) {
            register_shutdown_function(self::class . '::run');
        }
    }

    public static function freeReserve(): void
    {
        self::$reserve = [];
    }

    /**
     * Runs after the application's shutdown functions, because it registers itself again each time.
     *
     * @internal
     */
    public static function run(): void
    {
        if (!Profiler::isActive()) {
            return;
        }
        if (self::$rounds === 0) {
            unset(self::$reserve[0]);
            self::$net = new self(); // after a fatal error, PHP does not call the destructors of older objects
            self::$again = \Closure::fromCallable([self::class, 'run']);
        }
        if (self::$rounds++ < self::ROUNDS) {
            register_shutdown_function(self::$again);
            return;
        }
        Profiler::endRequest();
    }

    public function __destruct()
    {
        if (self::$net === $this) {
            Profiler::stop();
        }
    }
}
