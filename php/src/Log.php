<?php

namespace Transmit;

use Transmit\Plain\Stamp;

/**
 * Writes to PHP's error log, at a bounded rate: an outage of an hour does not flood it.
 *
 * With the library, its own bound holds (transmit_log_due); without it, one line a
 * minute for each result, for all workers of this user together.
 */
final class Log
{
    private const EVERY_SECONDS = 60;

    /** @var array<int, array{int, int}> by result: when this process logged it, how often it did not since */
    private static $own = [];

    public static function write(int $result, string $text, ?Settings $settings): void
    {
        $suppressed = self::due($result, $settings);
        if ($suppressed === null) {
            return;
        }
        $more = $suppressed > 0 ? " ($suppressed more since the last such line)" : '';
        error_log('Profiler: ' . Printable::line($text) . $more);
    }

    /** Never throws: it is called from the last catch. */
    public static function defect(\Throwable $e): void
    {
        try {
            $where = basename($e->getFile()) . ':' . $e->getLine();
            self::write(Result::EPANIC, 'profile lost: ' . get_class($e) . " at $where: " . $e->getMessage(), null);
        } catch (\Throwable $second) {
            return;
        }
    }

    /** @return int|null how many lines were left out since the last one; null: this one is left out */
    private static function due(int $result, ?Settings $settings): ?int
    {
        $answer = $settings === null ? false : Native::logDue($result, $settings);
        return $answer === false ? self::dueInPlain($result) : $answer;
    }

    private static function dueInPlain(int $result): ?int
    {
        $stamp = Stamp::open(sys_get_temp_dir(), 'log' . $result);
        if ($stamp === null) {
            [$now, $suppressed] = self::count(self::$own[$result] ?? [0, 0]);
            self::$own[$result] = $now;
            return $suppressed;
        }
        [$now, $suppressed] = self::count(array_map('intval', explode(' ', $stamp->read() . ' 0')));
        $stamp->write("$now[0] $now[1]");
        return $suppressed;
    }

    /**
     * @param array<int> $was [time of the last line, left out since]
     * @return array{array{int, int}, int|null} what to remember, what due() answers
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
