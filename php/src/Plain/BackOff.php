<?php

namespace Transmit\Plain;

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
            return false;
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

    private function stamp(): ?Stamp
    {
        return Stamp::open(sys_get_temp_dir(), $this->stampName);
    }

    /** Milliseconds since the machine's start: the same for all its processes. */
    private static function now(): int
    {
        return intdiv(hrtime(true), 1000000);
    }

    /** @return array{int, int} until when, how long that was */
    private static function parse(string $text): array
    {
        $parts = explode(' ', $text . ' 0');
        return [(int) $parts[0], (int) $parts[1]];
    }
}
