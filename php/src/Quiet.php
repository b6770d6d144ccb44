<?php

namespace Transmit;

/**
 * Runs a function so that no warning, exception or signal of it reaches the application.
 *
 * "@" is not enough: it still calls the application's error handler, which may throw.
 */
final class Quiet
{
    /** How PHP 7.4 ends the warning that a disabled function was called, which returns null. */
    private const DISABLED = '() has been disabled for security reasons';

    /** @var string the last warning that was kept from the application */
    private static $lastWarning = '';

    /** @var list<callable|null> the error handlers before ours, the last one last */
    private static $handlersBefore = [];

    private bool $hasHandler = false;
    private bool $hasHeldSignals = false;

    private int $jsonError = JSON_ERROR_NONE;

    /** @var int|null error_reporting(), where set_error_handler() is disabled */
    private $level = null;

    /** @var string|null PHP 7.4 with mbstring.func_overload: strlen() is to count bytes, not characters */
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
        if (self::has('set_error_handler')) {
            self::$handlersBefore[] = set_error_handler([self::class, 'keepWarning']);
            $this->hasHandler = true;
        } elseif (self::has('error_reporting')) {
            $this->level = error_reporting(0);
        }
        $this->jsonError = self::has('json_last_error') ? json_last_error() : JSON_ERROR_NONE;
        if (PHP_VERSION_ID < 80000 && ((int) ini_get('mbstring.func_overload') & 2) !== 0) {
            $this->encoding = mb_internal_encoding();
            mb_internal_encoding('8bit');
        }
    }

    /** Not if it is disabled. */
    private static function has(string $function): bool
    {
        try {
            return function_exists($function);
        } catch (\Error $e) { // function_exists itself is
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

    /** After exit() in a method of the application's objects, too: for its shutdown functions. */
    public function __destruct()
    {
        if ($this->hasHandler || $this->hasHeldSignals || $this->level !== null) {
            $this->end();
        }
    }

    /** Signal handlers that had to wait run last: what one of them throws is the application's. */
    private function end(): void
    {
        if (self::has('json_last_error')) {
            JsonError::restore($this->jsonError);
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
        if ($this->hasHeldSignals) {
            $this->hasHeldSignals = false;
            Signals::release();
        }
    }

    /** For the rest of a call in which the application's code has run: it may have set a handler of its own. */
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

    /** Unless the application has set one above it, in another fiber: then it stays, and passes all on. */
    private static function removeHandler(): void
    {
        if (!self::has('restore_error_handler')) {
            return; // disabled: it stays, too
        }
        $current = set_error_handler(null);
        restore_error_handler();
        if ($current === [self::class, 'keepWarning']) {
            restore_error_handler();
            self::$handlersBefore = self::allButTheLast(self::$handlersBefore);
        }
    }

    /** Without array_pop(), which may be disabled. */
    private static function allButTheLast(array $list): array
    {
        foreach ($list as $last => $value) {
            continue;
        }
        unset($list[$last ?? 0]);
        return $list;
    }

    /** The system's words of the last failed file or socket function, without the function's name. */
    public static function lastWarning(): string
    {
        return (string) preg_replace('/^\w+\(.*?\): /s', '', self::$lastWarning);
    }

    /**
     * @internal the error handler. A fiber that the application suspends in mid-call leaves it in place: a warning
     * that is raised then is the application's.
     *
     * @return mixed
     */
    public static function keepWarning(int $level, string $message, string $file = '', int $line = 0)
    {
        if (strncmp($file, __DIR__, \strlen(__DIR__)) === 0 || self::isInACall()) {
            self::$lastWarning = $message;
            if (PHP_VERSION_ID < 80000 && substr($message, -\strlen(self::DISABLED)) === self::DISABLED) {
                throw new \Error($message); // as from PHP 8 on, where a disabled function is none
            }
            return true;
        }
        $before = end(self::$handlersBefore);
        if ($before === false || $before === null) {
            return false;
        }
        return $before($level, $message, $file, $line);
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
