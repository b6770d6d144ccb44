<?php

namespace Transmit;

/**
 * Loads the classes of Transmit when they are needed, if preloading has not compiled them.
 */
final class Autoloader
{
    private const CALLBACK = [self::class, 'load'];

    public static function load(string $class): void
    {
        if (strncmp($class, 'Transmit\\', 9) === 0) {
            $file = __DIR__ . '/' . strtr(substr($class, 9), '\\', '/') . '.php';
            if (is_file($file)) {
                require_once $file;
            }
        }
    }

    public static function register(): void
    {
        spl_autoload_register(self::CALLBACK);
    }

    /**
     * Before the application's autoloaders, which never hear of our classes then.
     *
     * @return bool whether unregister() has to follow
     */
    public static function registerFirst(): bool
    {
        $isNew = !in_array(self::CALLBACK, spl_autoload_functions() ?: [], true);
        if ($isNew) {
            spl_autoload_register(self::CALLBACK, true, true);
        }
        return $isNew;
    }

    public static function unregister(): void
    {
        spl_autoload_unregister(self::CALLBACK);
    }
}
