<?php

namespace Transmit\Plain;

use Transmit\Deadline;

/**
 * After a wait for a full queue has timed out, later calls do not wait for some time. Otherwise each worker would hold
 * up its request until the timeout. transmit/backoff.go does the same.
 */
final class BackOff
{
    private const FIRST_MS = 1000;
    private const MAX_MS = 30000;

    private string $stateName;

    public function __construct(string $socketPath)
    {
        $this->stateName = 'wait' . substr(sha1($socketPath), 0, 8);
    }

    public function isOn(): bool
    {
        $state = $this->stateFile();
        if ($state === null) {
            return !self::isItsSecond();
        }
        [$until] = self::parse($state->read());
        return $until > self::now() && $until <= self::now() + self::MAX_MS;
    }

    /** Call it after a wait has timed out. Then no call waits for 1 s. The interval doubles each time, up to 30 s. */
    public function grow(): void
    {
        $state = $this->stateFile();
        if ($state === null) {
            return;
        }
        [$until, $length] = self::parse($state->read());
        $isSameOutage = $until > 0 && abs(self::now() - $until) <= self::MAX_MS;
        $length = $isSameOutage ? min(self::MAX_MS, 2 * $length) : self::FIRST_MS;
        $state->write(self::now() + $length . " $length");
    }

    /** Call it after a wait that ended with a success. */
    public function end(): void
    {
        $state = $this->stateFile();
        if ($state !== null) {
            $state->write('');
        }
    }

    /** If processes cannot share a file, calls wait only in one second of 30. On the command line they always wait. */
    private static function isItsSecond(): bool
    {
        return PHP_SAPI === 'cli' || time() % 30 === 0;
    }

    private function stateFile(): ?LockedStateFile
    {
        return LockedStateFile::ofUser($this->stateName);
    }

    /** Milliseconds since the start of the machine, which is the same clock for all processes. */
    private static function now(): int
    {
        return intdiv(Deadline::now(), 1000000);
    }

    /** @return array{int, int} the end of the back-off, and its length */
    private static function parse(string $text): array
    {
        $parts = explode(' ', $text . ' 0');
        return [(int) $parts[0], (int) $parts[1]];
    }
}
