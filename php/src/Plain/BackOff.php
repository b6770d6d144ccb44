<?php

namespace Transmit\Plain;

use Transmit\Deadline;

/**
 * After a wait in vain, the next calls do not wait: a wedged listener is met by every
 * worker at once, and each would hold its request for the whole time.
 */
final class BackOff
{
    private const FIRST_MS = 1000;
    private const MAX_MS = 30000;

    private string $stampName;

    public function __construct(string $socketPath)
    {
        $this->stampName = 'wait' . substr(sha1($socketPath), 0, 8);
    }

    public function isOn(): bool
    {
        $stamp = $this->stamp();
        if ($stamp === null) {
            return !self::isItsSecond();
        }
        [$until] = self::parse($stamp->read());
        return $until > self::now() && $until <= self::now() + self::MAX_MS;
    }

    /** A wait was in vain: 1 s without waiting, then twice as long each time, up to 30 s. */
    public function grow(): void
    {
        $stamp = $this->stamp();
        if ($stamp === null) {
            return;
        }
        [$until, $length] = self::parse($stamp->read());
        $isSameOutage = $until > 0 && abs(self::now() - $until) <= self::MAX_MS;
        $length = $isSameOutage ? min(self::MAX_MS, 2 * $length) : self::FIRST_MS;
        $stamp->write(self::now() + $length . " $length");
    }

    /** A wait was worth it. */
    public function end(): void
    {
        $stamp = $this->stamp();
        if ($stamp !== null) {
            $stamp->write('');
        }
    }

    /** Where the processes cannot tell each other, they wait in one second of 30. On the command line, always. */
    private static function isItsSecond(): bool
    {
        return PHP_SAPI === 'cli' || time() % 30 === 0;
    }

    private function stamp(): ?Stamp
    {
        return Stamp::ofUser($this->stampName);
    }

    /** Milliseconds since the machine's start: the same for all its processes. */
    private static function now(): int
    {
        return intdiv(Deadline::now(), 1000000);
    }

    /** @return array{int, int} until when, how long that was */
    private static function parse(string $text): array
    {
        $parts = explode(' ', $text . ' 0');
        return [(int) $parts[0], (int) $parts[1]];
    }
}
