<?php

namespace Transmit;

/**
 * The moment by which a call must have returned, on the monotonic clock.
 */
final class Deadline
{
    /** About 150 years: a number of nanoseconds must stay an integer. */
    private const MAX_US = PHP_INT_MAX >> 11;

    /** @var int nanoseconds */
    private $at;

    private function __construct(int $at)
    {
        $this->at = $at;
    }

    /** Nanoseconds: hrtime(true), unless it is disabled. */
    public static function now(): int
    {
        if (PHP_VERSION_ID < 80000 && !function_exists('hrtime')) {
            return (int) (microtime(true) * 1e9); // a disabled hrtime() would only raise a warning
        }
        try {
            return hrtime(true);
        } catch (\Error $e) {
            return (int) (microtime(true) * 1e9);
        }
    }

    /** @param int $start a previous result of now() */
    public static function after(int $start, int $timeoutUs): self
    {
        return new self($start + min($timeoutUs, self::MAX_US) * 1000);
    }

    public function earlierBy(int $us): self
    {
        return new self($this->at - $us * 1000);
    }

    /** A deadline after half of the time that is left. */
    public function halfway(): self
    {
        return $this->earlierBy(intdiv($this->left(), 2));
    }

    /** The microseconds that are left, 0 if none are. */
    public function left(): int
    {
        return max(0, intdiv($this->at - self::now(), 1000));
    }

    public function isOver(): bool
    {
        return self::now() >= $this->at;
    }
}
