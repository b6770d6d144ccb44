<?php

namespace Transmit;

/**
 * Runs a function so that no warning, exception or signal of it reaches the application, and PHP collects no cycles.
 *
 * "@" is not enough: it still calls the application's error handler, which may throw.
 */
final class Quiet
{
    /** The end of PHP 7.4's warning about a call of a disabled function, which returns null. */
    private const DISABLED = '() has been disabled for security reasons';

    private const FOLDER = __DIR__;

    /** @var string the last warning that was kept from the application */
    private static $lastWarning = '';

    /** @var list<callable|null> the error handlers before ours, the last one last */
    private static $handlersBefore = [];

    private bool $hasHandler = false;
    private bool $hasHeldSignals = false;

    /** Whether PHP collected cycles before: a collection calls destructors, whose warnings are the application's. */
    private bool $wasCollecting = false;

    private int $jsonError = JSON_ERROR_NONE;
    private int $pregError = PREG_NO_ERROR;

    /** @var int|null error_reporting() before ours, if set_error_handler() is disabled */
    private $level = null;

    /** @var string|null mb_internal_encoding() before ours: with PHP 7.4's mbstring.func_overload, strlen() depends on it */
    private $encoding = null;

    /**
     * @param \Closure(): mixed $work
     * @param mixed $otherwise the result when $work throws, which is logged
     * @return mixed
     */
    public static function call(\Closure $work, $otherwise)
    {
        $held = Signals::hold();
        try {
            $quiet = new self();
            $quiet->hasHeldSignals = $held;
            return $work();
        } catch (\Throwable $e) {
            Log::defect($e);
            return $otherwise;
        } finally {
            if (isset($quiet)) {
                $quiet->end();
            } elseif ($held) {
                Signals::release();
            }
        }
    }

    private function __construct()
    {
        if (self::has('gc_enabled') && self::has('gc_disable') && self::has('gc_enable') && gc_enabled()) {
            gc_disable();
            $this->wasCollecting = true;
        }
        if (self::has('set_error_handler')) {
            self::$handlersBefore[] = set_error_handler([self::class, 'keepWarning']);
            $this->hasHandler = true;
        } elseif (self::has('error_reporting')) {
            $this->level = error_reporting(0);
        }
        $this->jsonError = self::has('json_last_error') ? json_last_error() : JSON_ERROR_NONE;
        $this->pregError = self::has('preg_last_error') ? preg_last_error() : PREG_NO_ERROR;
        $isOld = PHP_VERSION_ID < 80000 && self::has('ini_get');
        if ($isOld && ((int) ini_get('mbstring.func_overload') & 2) !== 0) {
            $this->encoding = mb_internal_encoding();
            mb_internal_encoding('8bit');
        }
    }

    /** Whether the function exists and is not disabled. */
    private static function has(string $function): bool
    {
        try {
            return function_exists($function);
        } catch (\Error $e) { // function_exists() is disabled
            return self::isDeclared($function);
        }
    }

    private static function isDeclared(string $function): bool
    {
        try {
            return (new \ReflectionFunction($function))->isInternal();
        } catch (\ReflectionException $e) {
            return false;
        }
    }

    /** Restores all before the application's shutdown functions, also after exit() in a method of its objects. */
    public function __destruct()
    {
        if ($this->hasHandler || $this->hasHeldSignals || $this->wasCollecting || $this->level !== null) {
            $this->end();
        }
    }

    /** Restores all. Delayed signal handlers run last: their exceptions reach the application. */
    private function end(): void
    {
        if (self::has('json_last_error')) {
            JsonError::restore($this->jsonError);
        }
        if (self::has('preg_last_error') && preg_last_error() !== $this->pregError) {
            Autoloader::need(PregError::class); // the autoloader may be removed already
            PregError::restore($this->pregError);
        }
        if ($this->encoding !== null) {
            mb_internal_encoding($this->encoding);
            $this->encoding = null;
        }
        if ($this->hasHandler) {
            $this->hasHandler = false;
            self::removeHandler();
        }
        if ($this->level !== null) {
            error_reporting($this->level);
            $this->level = null;
        }
        if ($this->wasCollecting) {
            $this->wasCollecting = false;
            gc_enable();
        }
        if ($this->hasHeldSignals) {
            $this->hasHeldSignals = false;
            Signals::release();
        }
    }

    /** Sets our error handler again, after the application's code has run in a call and may have set its own. */
    public static function renew(): void
    {
        if (self::has('set_error_handler') && self::has('restore_error_handler')) {
            $current = set_error_handler([self::class, 'keepWarning']);
            if ($current === [self::class, 'keepWarning']) {
                restore_error_handler();
            } else {
                self::$handlersBefore[] = $current;
            }
        }
    }

    /** If the application has set another handler since, in another fiber, ours stays, and passes warnings on. */
    private static function removeHandler(): void
    {
        if (!self::has('restore_error_handler')) {
            return; // disabled: our handler stays
        }
        $current = set_error_handler(null);
        restore_error_handler();
        if ($current === [self::class, 'keepWarning']) {
            restore_error_handler();
            self::$handlersBefore = self::allButTheLast(self::$handlersBefore);
        }
    }

    /** Removes the last item without array_pop(), which may be disabled. */
    private static function allButTheLast(array $list): array
    {
        foreach ($list as $last => $value) {
            continue;
        }
        unset($list[$last ?? 0]);
        return $list;
    }

    /** The last warning of a file or socket function, without the function's name. */
    public static function lastWarning(): string
    {
        return (string) preg_replace('/^\w+\(.*?\): /s', '', self::$lastWarning);
    }

    /**
     * @internal the error handler. If the application suspends a fiber during a call, the handler stays set. It then
     * passes the application's own warnings on.
     *
     * @return mixed
     */
    public static function keepWarning(int $level, string $message, string $file = '', int $line = 0)
    {
        if (self::isOurs($file) || self::isInACall()) {
            self::$lastWarning = $message;
            self::throwIfDisabled($message);
            return true;
        }
        $before = end(self::$handlersBefore);
        if ($before === false || $before === null) {
            return false;
        }
        return $before($level, $message, $file, $line);
    }

    /** @throws \Error if it is PHP 7.4's warning about a disabled function: PHP 8 throws an Error, too */
    public static function throwIfDisabled(string $message): void
    {
        for ($i = 1; PHP_VERSION_ID < 80000 && isset(self::DISABLED[-$i]); $i++) {
            if (($message[-$i] ?? '') !== self::DISABLED[-$i]) {
                return;
            }
        }
        if (PHP_VERSION_ID < 80000) {
            throw new \Error($message);
        }
    }

    /** Whether the path is that of one of our files. As throwIfDisabled(), it calls no function: it may be disabled. */
    public static function isOurs(string $path): bool
    {
        for ($i = 0; isset(self::FOLDER[$i]); $i++) {
            if (($path[$i] ?? '') !== self::FOLDER[$i]) {
                return false;
            }
        }
        return true;
    }

    private static function isInACall(): bool
    {
        foreach (array_slice(debug_backtrace(DEBUG_BACKTRACE_IGNORE_ARGS), 2) as $frame) {
            if (strncmp($frame['class'] ?? '', __NAMESPACE__ . '\\', 9) === 0) {
                return true;
            }
        }
        return false;
    }
}
