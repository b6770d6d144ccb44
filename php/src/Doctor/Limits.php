<?php

namespace Transmit\Doctor;

use Transmit\Settings;

/**
 * Checks the resource limits that the service manager imposes on this process.
 */
final class Limits
{
    /** What the library needs (door/resources.c reserves most of it), and 0.3 GB for PHP. */
    private const ADDRESS_SPACE = 1800000000;
    private const THREADS = 8;

    /** @return list<Finding> */
    public static function examine(Settings $settings): array
    {
        return [self::limits(), self::tasks(), self::privateTmp($settings)];
    }

    private static function limits(): Finding
    {
        $soft = [];
        foreach (['Max processes', 'Max address space', 'Max open files'] as $name) {
            preg_match("/^$name +(\S+)/m", System::read('/proc/self/limits'), $found);
            $soft[$name] = $found[1] ?? 'unknown';
        }
        $text = "threads of this user (NPROC): {$soft['Max processes']}, address space (AS):"
            . " {$soft['Max address space']}, descriptors (NOFILE): {$soft['Max open files']}";
        $space = $soft['Max address space'];
        return is_numeric($space) && $space < self::ADDRESS_SPACE
            ? Finding::warn('limits', $text, 'the library needs 1.5 GB of address space, though little memory:'
                . ' raise RLIMIT_AS (ulimit -v; systemd: LimitAS=), or go on in plain PHP')
            : Finding::ok('limits', $text);
    }

    /** Checks systemd's TasksMax= and Docker's --pids-limit. */
    private static function tasks(): Finding
    {
        foreach (explode("\n", System::read('/proc/self/cgroup')) as $line) {
            [, $controllers, $group] = explode(':', $line, 3) + ['', '-', ''];
            $folder = '/sys/fs/cgroup' . ($controllers === '' ? '' : "/$controllers") . $group;
            $most = $controllers === '' || $controllers === 'pids' ? System::read("$folder/pids.max") : '';
            if (is_numeric($most)) {
                $now = (int) System::read("$folder/pids.current");
                $text = "$now of $most tasks of this service are in use";
                return $most - $now < self::THREADS
                    ? Finding::warn('tasks', $text, 'each worker may need ' . self::THREADS . ' threads more:'
                        . ' raise the limit (systemd: TasksMax=, docker: --pids-limit)')
                    : Finding::ok('tasks', $text);
            }
        }
        return Finding::ok('tasks', 'no limit of tasks is known here');
    }

    /** Checks systemd's PrivateTmp=: the service then has a /tmp and a /var/tmp that no other service sees. */
    private static function privateTmp(Settings $settings): Finding
    {
        $mounts = System::read('/proc/self/mountinfo');
        if (preg_match_all('~^\S+ \S+ \S+ \S*/systemd-private-\S+ (/tmp|/var/tmp) ~m', $mounts, $found) === 0) {
            return Finding::ok('private tmp', 'this process has the /tmp of everybody');
        }
        $concerned = array_filter(
            array_merge([$settings->listenerSocket], array_filter($settings->bufferDirs, 'is_dir')),
            static function (string $path) use ($found): bool {
                return preg_match('~^(?:' . implode('|', array_unique($found[1])) . ')(?:/|$)~', $path) === 1;
            }
        );
        $text = 'this service has a /tmp of its own (PrivateTmp=yes)';
        return $concerned === [] ? Finding::ok('private tmp', $text) : Finding::warn(
            'private tmp',
            "$text; the listener does not see " . implode(' and ', $concerned),
            'put socket and buffer elsewhere: /run/bitville-apm and /var/lib/bitville-apm/buffer'
        );
    }
}
