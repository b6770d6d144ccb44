<?php

namespace Transmit;

/**
 * After a wait in vain, the next calls do not wait: a wedged listener is met by every
 * worker at once, and each would hold its request for the whole time.
 */
final class BackOff
{
    private const MAX_SECONDS = 30;

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
        return $until > time() && $until <= time() + self::MAX_SECONDS;
    }

    /** A wait was in vain: 1 s without waiting, then twice as long each time, up to 30 s. */
    public function grow(): void
    {
        $stamp = $this->stamp();
        if ($stamp === null) {
            return;
        }
        [$until, $length] = self::parse($stamp->read());
        $isSameOutage = time() - $until <= self::MAX_SECONDS;
        $length = $isSameOutage ? max(1, min(self::MAX_SECONDS, 2 * $length)) : 1;
        $stamp->write(time() + $length . " $length");
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

    /** @return array{int, int} until when, how long that was */
    private static function parse(string $text): array
    {
        $parts = explode(' ', $text . ' 0');
        return [(int) $parts[0], (int) $parts[1]];
    }
}
