<?php

namespace Transmit;

/**
 * Loads the classes that preloaded functions call, once in a request. preload.php has stored the text of this file,
 * too.
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
     * Delays the application's signal handlers: an exception of one would leave a class incompletely loaded.
     *
     * @return bool whether this call delayed them
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

    /** @return bool whether it has set an error handler, which the caller must restore; false: a function is disabled */
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
