<?php

namespace Transmit;

use Transmit\Preloaded\Sources;

/**
 * Loads the classes of Transmit when they are needed: from this folder or, if no file can be opened, from the text
 * that preload.php has stored.
 */
final class Autoloader
{
    private const CALLBACK = [self::class, 'load'];

    /** Classes that most requests need. Their files are not searched for, which would take longer than loading them. */
    private const OFTEN = [
        'Transmit\Deadline' => '/Deadline.php',
        'Transmit\Functions' => '/Functions.php',
        'Transmit\JsonError' => '/JsonError.php',
        'Transmit\Modest' => '/Modest.php',
        'Transmit\Names' => '/Names.php',
        'Transmit\Native' => '/Native.php',
        'Transmit\Preloaded\Scope' => '/Preloaded/Scope.php',
        'Transmit\Profiler' => '/Profiler.php',
        'Transmit\Profiler\Excimer' => '/Profiler/Excimer.php',
        'Transmit\Profiler\HttpRequest' => '/Profiler/HttpRequest.php',
        'Transmit\Profiler\Largest' => '/Profiler/Largest.php',
        'Transmit\Profiler\Limits' => '/Profiler/Limits.php',
        'Transmit\Profiler\Options' => '/Profiler/Options.php',
        'Transmit\Profiler\Origin' => '/Profiler/Origin.php',
        'Transmit\Profiler\Queries' => '/Profiler/Queries.php',
        'Transmit\Profiler\Recording' => '/Profiler/Recording.php',
        'Transmit\Profiler\SampledFunctions' => '/Profiler/SampledFunctions.php',
        'Transmit\Profiler\Shutdown' => '/Profiler/Shutdown.php',
        'Transmit\Profiler\TopFunctions' => '/Profiler/TopFunctions.php',
        'Transmit\Profiler\Xhprof' => '/Profiler/Xhprof.php',
        'Transmit\Quiet' => '/Quiet.php',
        'Transmit\Result' => '/Result.php',
        'Transmit\Settings' => '/Settings.php',
        'Transmit\Signals' => '/Signals.php',
        'Transmit\TrySend' => '/TrySend.php',
    ];

    private static bool $isText = false;

    /** From now on, loads from the text that preload.php has stored: for a chroot or an open_basedir without this folder. */
    public static function useText(): void
    {
        self::$isText = true;
    }

    public static function load(string $class): void
    {
        $path = self::OFTEN[$class] ?? self::path($class);
        if ($path === '') {
            return;
        }
        $isFile = !self::$isText && (isset(self::OFTEN[$class]) || self::isThere($path));
        // Not require, which would end the request if the file has been removed.
        if (!$isFile || (include_once __DIR__ . $path) === false) {
            self::loadText($path);
        }
    }

    /** Needed also if a page can no longer open our files, after ini_set('open_basedir') or with its own stream wrapper. */
    private static function loadText(string $path): void
    {
        try {
            $hasText = class_exists(Sources::class, false);
        } catch (\Error $e) {
            return; // class_exists() is disabled
        }
        $hasText && isset(Sources::FILES[$path]) && eval('?>' . Sources::FILES[$path]);
    }

    /**
     * Calls no function, because any may be disabled.
     *
     * @return string "": it is not one of our classes
     */
    private static function path(string $class): string
    {
        $prefix = '';
        for ($i = 0; $i < 9 && isset($class[$i]); $i++) {
            $prefix .= $class[$i];
        }
        if ($prefix !== 'Transmit\\') {
            return '';
        }
        for ($path = '/'; isset($class[$i]); $i++) {
            $path .= $class[$i] === '\\' ? '/' : $class[$i];
        }
        return "$path.php";
    }

    private static function isThere(string $path): bool
    {
        try {
            return is_file(__DIR__ . $path);
        } catch (\Error $e) {
            return true;
        }
    }

    /** Loads one class now, also if our autoloader is not registered. */
    public static function need(string $class): void
    {
        try {
            $isThere = class_exists($class, false);
        } catch (\Error $e) { // class_exists() is disabled
            $isThere = false;
        }
        $isThere || self::load($class);
    }

    /** Loads all classes that the functions need, if no autoloader can be registered. */
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
     * Registers our autoloader before those of the application, so that PHP does not call them for our classes.
     *
     * @return bool whether the caller must call unregister()
     */
    public static function registerFirst(): bool
    {
        try {
            $isNew = !in_array(self::CALLBACK, spl_autoload_functions() ?: [], true);
            if ($isNew) {
                spl_autoload_register(self::CALLBACK, true, true);
            }
            return $isNew;
        } catch (\Error $e) { // a function is disabled
            self::loadAll();
            return false;
        }
    }

    public static function unregister(): void
    {
        spl_autoload_unregister(self::CALLBACK);
    }
}
