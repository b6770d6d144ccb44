<?php

namespace Transmit\Profiler;

use Transmit\Plain\LockedStateFile;

/**
 * The setting max_per_minute. A LockedStateFile has the count, for all processes of a user and one listener.
 */
final class RateLimit
{
    private const TRIES = 3;

    /** @var array{int, int} the minute, the profiles in it: of this process, where there can be no file */
    private static $own = [0, 0];

    /** Never waits: while another process holds the file, the answer is no. */
    public static function allows(int $maxPerMinute, string $listener): bool
    {
        for ($try = 0; $try < self::TRIES; $try++) {
            $state = LockedStateFile::ofUser('rate' . substr(sha1($listener), 0, 8));
            if ($state === null) {
                return self::allowsAlone($maxPerMinute);
            }
            if ($state->isLocked) {
                $was = array_map('intval', explode(' ', $state->read() . ' 0'));
                [$now, $isAllowed] = self::count($was, $maxPerMinute);
                $state->write("$now[0] $now[1]");
                return $isAllowed;
            }
        }
        return $state->isStuck();
    }

    /**
     * Where the processes cannot tell each other, they send in one second of a minute: a process of FPM does not
     * remember what it sent in the request before.
     */
    private static function allowsAlone(int $maxPerMinute): bool
    {
        if (PHP_SAPI !== 'cli' && time() % 60 !== 0) {
            return false;
        }
        [self::$own, $isAllowed] = self::count(self::$own, $maxPerMinute);
        return $isAllowed;
    }

    /**
     * @param array<int> $was the minute, the profiles in it
     * @return array{array{int, int}, bool} the same now, and whether there may be one more
     */
    private static function count(array $was, int $max): array
    {
        $minute = intdiv(time(), 60);
        $count = $was[0] === $minute ? $was[1] : 0;
        return $count < $max ? [[$minute, $count + 1], true] : [[$minute, $count], false];
    }
}
