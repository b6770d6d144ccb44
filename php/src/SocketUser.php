<?php

namespace Transmit;

use Transmit\Plain\Directory;

use function is_int;
use function is_string;

/**
 * The setting listener_user: profiles go only to a socket that this user or root owns.
 */
final class SocketUser
{
    private const PASSWD = '/etc/passwd';

    /**
     * Calls no preg function: the application's preg_last_error() stays.
     *
     * @param mixed $user a name or a number
     * @return int|null null: there is no such user
     */
    public static function number($user): ?int
    {
        if (!is_int($user) && (!is_string($user) || $user === '')) {
            return null;
        }
        if (is_int($user) || (strlen($user) <= 10 && strspn($user, '0123456789') === strlen($user))) {
            return (int) $user >= 0 && (int) $user < 0xFFFFFFFF ? (int) $user : null;
        }
        if (function_exists('posix_getpwnam')) {
            return posix_getpwnam($user)['uid'] ?? null;
        }
        $users = is_readable(self::PASSWD) ? (string) file_get_contents(self::PASSWD) : '';
        $fields = explode(':', (string) strstr("\n$users", "\n$user:"), 4);
        return is_numeric($fields[2] ?? null) ? (int) $fields[2] : null;
    }

    /** Why nothing is sent to this path; "" if nothing is wrong. */
    public static function problem(string $path, ?int $user): string
    {
        if ($user === null) {
            return '';
        }
        clearstatcache();
        $stat = stat($path);
        if ($stat === false) {
            return 'whose it is cannot be seen: ' . Quiet::lastWarning();
        }
        if (!in_array($stat['uid'], [0, $user], true)) {
            return "it belongs to user {$stat['uid']}, not to listener_user ($user) or root";
        }
        return self::linkProblem($path, $user);
    }

    /** Refuses another user's link, because it may lead to another socket of this user or of root. */
    private static function linkProblem(string $path, int $user): string
    {
        for ($at = $path; $at !== dirname($at); $at = dirname($at)) {
            $stat = lstat($at); // false: open_basedir hides it
            $isLink = $stat !== false && ($stat['mode'] & 0170000) === 0120000;
            if ($isLink && !in_array($stat['uid'], [0, $user, Directory::user()], true)) {
                return "the link $at belongs to user {$stat['uid']}, not to listener_user ($user) or root";
            }
        }
        return '';
    }
}
