<?php

namespace Transmit;

/**
 * The moment by which a call must have returned, on the monotonic clock.
 */
final class Deadline
{
    /** @var int nanoseconds */
    private $at;

    private function __construct(int $at)
    {
        $this->at = $at;
    }

    /** @param int $start hrtime(true) */
    public static function after(int $start, int $timeoutUs): self
    {
        return new self($start + $timeoutUs * 1000);
    }

    public function earlierBy(int $us): self
    {
        return new self($this->at - $us * 1000);
    }

    /** Microseconds left, 0 when there are none. */
    public function left(): int
    {
        return max(0, intdiv($this->at - hrtime(true), 1000));
    }

    public function isOver(): bool
    {
        return hrtime(true) >= $this->at;
    }
}
