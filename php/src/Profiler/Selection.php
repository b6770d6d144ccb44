<?php

namespace Transmit\Profiler;

/**
 * Decides which requests and commands auto_prepend.php profiles.
 */
final class Selection
{
    public static function mayBegin(Options $options): bool
    {
        $isCommand = PHP_SAPI === 'cli' || PHP_SAPI === 'phpdbg';
        if ($isCommand && !($options->profileCli ?? self::isAskedFor())) {
            return false;
        }
        // In worker mode one script serves all requests. It must call Profiler::profile() for each.
        if (function_exists('frankenphp_handle_request') && isset($_SERVER['FRANKENPHP_WORKER'])) {
            return false;
        }
        return $options->exclude === [] || !self::isExcluded($options->exclude);
    }

    /** Whether the request has the secret of the setting force_secret. */
    public static function isForced(Options $options): bool
    {
        $given = $_SERVER['HTTP_X_TRANSMIT_PROFILE'] ?? null;
        return $options->forceSecret !== '' && is_string($given) && hash_equals($options->forceSecret, $given);
    }

    /** Whether auto_prepend_file was set on this command line (php -d), not in php.ini. */
    private static function isAskedFor(): bool
    {
        $command = @file_get_contents('/proc/self/cmdline', false, null, 0, 65536);
        $arguments = implode("\0", (array) ($_SERVER['argv'] ?? [])) . "\0"; // the script and its arguments
        $command = substr((string) $command, 0, -strlen($arguments));
        return preg_match('/\0(-d|--define)\0?\s*auto_prepend_file\s*=/', $command) === 1;
    }

    /** @param list<string> $patterns */
    private static function isExcluded(array $patterns): bool
    {
        $url = (string) ($_SERVER['REQUEST_URI'] ?? $_SERVER['SCRIPT_NAME'] ?? '');
        $path = preg_replace('#^[a-z]+://[^/?]*|\?.*#is', '', $url);
        foreach ($patterns as $pattern) {
            $regex = '#^' . strtr(preg_quote($pattern, '#'), ['\*' => '.*']) . '$#Ds';
            if (preg_match($regex, (string) $path) === 1) {
                return true;
            }
        }
        return false;
    }
}
