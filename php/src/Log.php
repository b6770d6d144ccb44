<?php

namespace Transmit;

use Transmit\Plain\LockedStateFile;

/**
 * Writes to PHP's error log at a limited rate, so that an outage of an hour does not flood it.
 *
 * The library decides when a line is due (transmit_log_due_for). Without it, all workers of this user together write
 * one line a minute for each result and listener.
 */
final class Log
{
    private const EVERY_SECONDS = 60;

    /** @var array<int, array{int, int}> by result: when this process logged it, and how many lines it has left out since */
    private static $own = [];

    private static bool $isBroken = false;

    public static function write(int $result, string $text, ?Settings $settings): void
    {
        try {
            $suppressed = self::due($result, $settings);
            if ($suppressed !== null) {
                self::line($text, $suppressed);
            }
        } catch (\Throwable $e) {
            self::writeOnce($e);
        }
    }

    /** Writes a line that is due. @param int $suppressed how many lines were left out since the last one */
    public static function line(string $text, int $suppressed): void
    {
        $pregError = PregError::get();
        try {
            $more = $suppressed > 0 ? " ($suppressed more since the last such line)" : '';
            error_log('Profiler: ' . Printable::line($text) . $more);
        } catch (\Throwable $e) {
            self::writeOnce($e);
        } finally {
            PregError::restore($pregError);
        }
    }

    /** Logs that write() has failed, once. A function that it needs is disabled, perhaps error_log() itself. */
    private static function writeOnce(\Throwable $e): void
    {
        try {
            // A process of FPM does not remember the requests before: see dueAlone().
            if (!self::$isBroken && (PHP_SAPI === 'cli' || time() % self::EVERY_SECONDS === 0)) {
                self::$isBroken = true;
                error_log('Profiler: a profile is not sent, and its log line cannot be made: ' . $e->getMessage());
            }
        } catch (\Throwable $second) {
            return;
        }
    }

    public static function defect(\Throwable $e): void
    {
        $text = 'profile lost: ' . $e->getMessage();
        try {
            $where = basename($e->getFile()) . ':' . $e->getLine();
            $text = 'profile lost: ' . get_class($e) . " at $where: " . $e->getMessage();
        } catch (\Error $disabled) { // a function is disabled
            $text .= ', and ' . $disabled->getMessage();
        }
        self::write(Result::EPANIC, $text, null);
    }

    /** @return int|null how many lines were left out since the last one; null: no line is due */
    private static function due(int $result, ?Settings $settings): ?int
    {
        try {
            $answer = $settings === null ? false : Native::logDue($result, $settings);
        } catch (\Error $e) {
            $answer = false;
        }
        return $answer === false ? self::dueInPlain($result, $settings) : $answer;
    }

    private static function dueInPlain(int $result, ?Settings $settings): ?int
    {
        $listener = $settings === null ? '' : $settings->listenerSocket;
        $state = LockedStateFile::ofUser("log$result-" . substr(sha1($listener), 0, 8));
        if ($state === null) {
            return self::dueAlone($result);
        }
        $was = array_map('intval', explode(' ', $state->read() . ' 0'));
        [$now, $suppressed] = self::count($was);
        $isOurs = $state->isLocked || $state->isStuck(); // else another worker decides at this moment
        $state->write("$now[0] $now[1]");
        return $isOurs ? $suppressed : null;
    }

    /**
     * For processes that cannot share a file. A process of FPM does not remember the lines of its previous requests, so
     * it logs only in one second of each minute. On the command line, each process has its own limit.
     */
    private static function dueAlone(int $result): ?int
    {
        if (PHP_SAPI !== 'cli' && time() % self::EVERY_SECONDS !== 0) {
            return null;
        }
        [self::$own[$result], $suppressed] = self::count(self::$own[$result] ?? [0, 0]);
        return $suppressed;
    }

    /**
     * @param array<int> $was [time of the last line, left out since]
     * @return array{array{int, int}, int|null} the new state, and the result of due()
     */
    private static function count(array $was): array
    {
        $age = time() - $was[0];
        if ($age >= 0 && $age < self::EVERY_SECONDS) {
            return [[$was[0], $was[1] + 1], null];
        }
        return [[time(), 0], $was[1]];
    }
}
