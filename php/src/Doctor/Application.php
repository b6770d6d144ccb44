<?php

namespace Transmit\Doctor;

use Transmit\Profiler\Options;
use Transmit\Settings;

/**
 * Checks the application: its settings, the profiler, and where log lines go.
 */
final class Application
{
    /** Loads the application's settings from $config ("": there is no such file), then the functions. */
    public static function load(string $config): bool
    {
        if ($config !== '' && !(is_file($config) && is_readable($config))) {
            return false;
        }
        if ($config !== '') {
            require_once $config;
        }
        require_once dirname(__DIR__, 2) . '/transmitter.php';
        return true;
    }

    /** @return list<Finding> */
    public static function examine(Settings $settings): array
    {
        return array_merge([self::settings()], Prepend::examine(), [self::extension(), self::log()]);
    }

    private static function settings(): Finding
    {
        $where = (new \ReflectionFunction('get_profiling_config'))->getFileName();
        $others = Settings::otherKeys();
        $text = "get_profiling_config() is in $where"
            . ($others === [] ? '' : '; its keys ' . implode(', ', $others) . ' are not known here');
        $problems = Settings::problems();
        return $problems === []
            ? Finding::ok('settings', $text)
            : Finding::warn('settings', "$text; " . implode('; ', $problems), 'mend get_profiling_config()');
    }

    private static function extension(): Finding
    {
        $extensions = array_filter(['excimer', 'tideways_xhprof', 'xhprof'], 'extension_loaded');
        $slow = (new Options(Settings::given()))->slowThresholdMs;
        return Finding::ok('extension', ($extensions === [] ? 'none that measures functions'
            : implode(', ', $extensions)) . ($slow > 0 ? "; requests under slow_threshold_ms=$slow are not sent" : ''));
    }

    private static function log(): Finding
    {
        $path = (string) ini_get('error_log');
        if ($path === '') {
            $default = PHP_SAPI === 'cli' ? 'standard error' : "the web server's error log";
            return Finding::ok('log', "no error_log: what went wrong goes to $default");
        }
        $folder = dirname($path);
        if ($path === 'syslog' || (file_exists($path) ? is_writable($path) : is_dir($folder) && is_writable($folder))) {
            return Finding::ok('log', "what went wrong is in $path: grep 'Profiler:'");
        }
        return Finding::warn(
            'log',
            System::user() . " may not write to error_log=$path",
            'give the file to this user, or set another error_log'
        );
    }
}
