<?php

namespace Transmit\Plain;

use Transmit\Deadline;

/**
 * After a wait for a full queue has timed out, later calls do not wait for a while. Otherwise every worker would hold
 * its request for the whole time.
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

    /** After a time-out: no call waits for 1 s, then for twice as long each time, up to 30 s. */
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

    /** After a wait that ended with a success. */
    public function end(): void
    {
        $state = $this->stateFile();
        if ($state !== null) {
            $state->write('');
        }
    }

    /** If processes cannot share a file, a call may wait in one second of 30; on the command line, always. */
    private static function isItsSecond(): bool
    {
        return PHP_SAPI === 'cli' || time() % 30 === 0;
    }

    private function stateFile(): ?LockedStateFile
    {
        return LockedStateFile::ofUser($this->stateName);
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
