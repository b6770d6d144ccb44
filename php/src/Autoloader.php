<?php

namespace Transmit;

use Transmit\Preloaded\Sources;

/**
 * Loads the classes of Transmit when they are needed: from this folder or, where no file can be opened, from the text
 * that preload.php has kept.
 */
final class Autoloader
{
    private const CALLBACK = [self::class, 'load'];

    private static bool $isText = false;

    /** In a chroot, or outside open_basedir. Only with preload.php. */
    public static function useText(): void
    {
        self::$isText = true;
    }

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
        for ($path = '/'; isset($class[$i]); $i++) {
            $path .= $class[$i] === '\\' ? '/' : $class[$i];
        }
        self::loadFile("$path.php");
    }

    /** A class that is needed now, by an application that has no autoloader of ours. */
    public static function need(string $class): void
    {
        if (!class_exists($class, false)) {
            self::load($class);
        }
    }

    private static function loadFile(string $path): void
    {
        if (self::$isText) {
            isset(Sources::FILES[$path]) && eval('?>' . Sources::FILES[$path]);
            return;
        }
        try {
            $isThere = is_file(__DIR__ . $path);
        } catch (\Error $e) {
            $isThere = true;
        }
        if ($isThere) {
            require_once __DIR__ . $path;
        }
    }

    /** Where no autoloader can be registered: what the functions need. */
    public static function loadAll(): void
    {
        foreach (['', '/Plain', '/Preloaded', '/Profiler'] as $folder) {
            foreach (new \DirectoryIterator(__DIR__ . $folder) as $file) {
                if ($file->getExtension() === 'php' && $file->getFilename() !== 'functions.php') { // Preloaded's
                    require_once $file->getPathname();
                }
            }
        }
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
