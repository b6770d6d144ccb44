<?php

namespace Transmit\Doctor;

use Transmit\Plain\Directory;

/**
 * Facts about this process and about files, from PHP and from /proc, and texts for them.
 */
final class System
{
    /**
     * Calls a function of PHP; null: it is disabled.
     *
     * @param mixed ...$arguments
     * @return mixed
     */
    public static function ask(string $function, ...$arguments)
    {
        return function_exists($function) ? call_user_func_array($function, $arguments) : null;
    }

    public static function user(): string
    {
        return self::nameOf(Directory::user());
    }

    public static function nameOf(int $uid): string
    {
        return self::ask('posix_getpwuid', $uid)['name'] ?? "user $uid";
    }

    /** Owner and mode, such as "www-data's, 0755"; "": the path does not exist. */
    public static function ownership(string $path): string
    {
        clearstatcache();
        $stat = lstat($path);
        return $stat === false ? '' : self::nameOf($stat['uid']) . "'s, " . sprintf('%04o', $stat['mode'] & 07777);
    }

    /** The first directory on the path that this user may not enter; null: there is none. */
    public static function closedDirectory(string $path): ?string
    {
        $directory = '';
        foreach (array_filter(explode('/', dirname($path)), 'strlen') as $name) {
            $directory .= "/$name";
            if (is_dir($directory) && !is_executable($directory)) {
                return $directory;
            }
        }
        return null;
    }

    /** Whether owner, group and mode allow writing. A security module may refuse it nevertheless. */
    public static function modeAllowsWriting(string $path): bool
    {
        $stat = stat($path);
        $user = Directory::user();
        if ($stat === false || $user === 0) {
            return $stat !== false;
        }
        if ($stat['uid'] === $user) {
            return ($stat['mode'] & 0200) !== 0;
        }
        preg_match('/^Groups:\s*([\d ]*)/m', self::read('/proc/self/status'), $groups);
        preg_match('/^Gid:\s*\d+\s+(\d+)/m', self::read('/proc/self/status'), $group);
        $isMember = in_array((string) $stat['gid'], explode(' ', ($groups[1] ?? '') . ' ' . ($group[1] ?? '')), true);
        return ($stat['mode'] & ($isMember ? 0020 : 0002)) !== 0;
    }

    /** Whether this user could create the directory and those above it that are missing. */
    public static function canMake(string $directory): bool
    {
        do {
            $directory = dirname($directory);
        } while (!file_exists($directory) && $directory !== '/');
        return is_dir($directory) && is_writable($directory);
    }

    /** The full path of a file that this process has mapped. */
    public static function mappedFile(string $name): ?string
    {
        $pattern = '~ (/\S*/' . preg_quote($name, '~') . '\S*)$~m';
        return preg_match($pattern, self::read('/proc/self/maps'), $found) === 1 ? $found[1] : null;
    }

    /** Longer files are cut off when they are read. */
    private const LONGEST = 1048576;

    /** The text of a regular file; "": it cannot be read. The owner of a site may have made it a FIFO or a device. */
    public static function read(string $path): string
    {
        $isFile = strpos($path, '://') === false && is_file($path) && is_readable($path);
        return $isFile ? trim((string) file_get_contents($path, false, null, 0, self::LONGEST)) : '';
    }

    /** Such as "1.4 GB". */
    public static function bytes(float $count): string
    {
        foreach (['bytes', 'KB', 'MB', 'GB', 'TB', 'PB', 'EB'] as $unit) {
            if ($count < 1000) {
                break;
            }
            $count /= 1000;
        }
        return (fmod($count, 1) == 0 ? (string) $count : number_format($count, 1)) . " $unit";
    }

    /** Such as "5 min". */
    public static function duration(int $seconds): string
    {
        if ($seconds < 120) {
            return "$seconds s";
        }
        return $seconds < 7200 ? intdiv($seconds, 60) . ' min' : intdiv($seconds, 3600) . ' h';
    }
}
