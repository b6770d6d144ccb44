<?php

namespace Transmit;

/**
 * Loads what a preloaded function calls, once in a request. preload.php has kept this text, too.
 */
final class Loader
{
    public static function load(): void
    {
        $areHeld = self::holdSignals();
        $isQuiet = self::isQuiet();
        try {
            if (!@include __DIR__ . '/../autoload.php') {
                class_exists(Autoloader::class, false) || eval('?>' . Preloaded\Sources::FILES['/Autoloader.php']);
                Autoloader::useText();
                Autoloader::registerFirst();
            }
            Autoloader::need(Functions::class);
            Names::defineConstants();
        } finally {
            $isQuiet && restore_error_handler();
            $areHeld && pcntl_async_signals(true);
        }
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
