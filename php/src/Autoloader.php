<?php

namespace Transmit;

/**
 * Loads the classes of Transmit when they are needed, if preloading has not compiled them.
 */
final class Autoloader
{
    private const CALLBACK = [self::class, 'load'];

    /** Calls no function but is_file(), for any may be disabled. */
    public static function load(string $class): void
    {
        $prefix = '';
        for ($i = 0; $i < 9 && isset($class[$i]); $i++) {
            $prefix .= $class[$i];
        }
        if ($prefix !== 'Transmit\\') {
            return;
        }
        for ($file = __DIR__ . '/'; isset($class[$i]); $i++) {
            $file .= $class[$i] === '\\' ? '/' : $class[$i];
        }
        try {
            $isThere = is_file("$file.php");
        } catch (\Error $e) {
            $isThere = true;
        }
        if ($isThere) {
            require_once "$file.php";
        }
    }

    /** Where no autoloader can be registered: what the functions need. */
    public static function loadAll(): void
    {
        foreach (['', '/Plain', '/Profiler'] as $folder) {
            foreach (new \DirectoryIterator(__DIR__ . $folder) as $file) {
                if ($file->getExtension() === 'php') {
                    require_once $file->getPathname();
                }
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
