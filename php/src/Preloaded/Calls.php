<?php

declare(strict_types=1);

namespace Transmit\Preloaded;

use function is_object;

/**
 * Finds what the functions of functions.php call. It is no class name to a preloaded function: PHP would ask the
 * page's autoloader for it, which may be FFI::load, with the rights of preloaded code.
 */
final class Calls
{
    /** Where no file can be opened: chroot, open_basedir. Code that is evaluated in a request has a page's rights. */
    public const AUTOLOADER_FROM_TEXT = 'class_exists("Transmit\Autoloader", false)'
        . ' || eval("?>" . \Transmit\Preloaded\Sources::FILES["/Autoloader.php"]); \Transmit\Autoloader::useText();';

    private const FROM_TEXT = self::AUTOLOADER_FROM_TEXT . ' \Transmit\Autoloader::registerFirst();'
        . ' return new \Transmit\Functions();';

    /** @var \Transmit\Functions|null */
    public static $functions = null;

    /** @return \Transmit\Functions|null null: they cannot be loaded, which the log says */
    public static function functions()
    {
        $held = self::holdSignals();
        try {
            self::$functions = self::load(false) ?? self::load(true);
        } finally {
            $held && pcntl_async_signals(true); // the next call has them run
        }
        try {
            self::$functions !== null || error_log('Profiler: profile lost: the classes of Transmit cannot be loaded');
        } catch (\Error $e) {
            return null; // error_log is disabled
        }
        return self::$functions;
    }

    /**
     * What an application's signal handler throws would leave classes half loaded, for good.
     *
     * @return bool whether they wait now
     */
    private static function holdSignals(): bool
    {
        try {
            return function_exists('pcntl_async_signals') && pcntl_async_signals() && pcntl_async_signals(false);
        } catch (\Error $e) {
            if ($e->getFile() === __FILE__) {
                return false; // a function is disabled
            }
            throw $e;
        }
    }

    /** @return object|null */
    private static function load(bool $isText)
    {
        $isQuiet = self::isQuiet();
        try {
            $functions = $isText ? eval(self::FROM_TEXT) : @include __DIR__ . '/../../load.php';
            return is_object($functions) ? $functions : null;
        } catch (\Throwable $e) {
            return null;
        } finally {
            if ($isQuiet) {
                restore_error_handler();
            }
        }
    }

    /** @return bool whether an error handler is set, which is then to be restored; false: a function is disabled */
    private static function isQuiet(): bool
    {
        try {
            return function_exists('set_error_handler') && function_exists('restore_error_handler')
                && set_error_handler([self::class, 'ignore']) !== false;
        } catch (\Error $e) {
            return false;
        }
    }

    /** @internal an error handler */
    public static function ignore(): bool
    {
        return true;
    }
}
