<?php

namespace Transmit\Status;

/**
 * Profiles per second since the page was last shown. The page keeps its previous counts in its own address, so that
 * nothing is stored on the machine.
 */
final class Rates
{
    private const KEYS = ['sent', 'buffered', 'pending', 'refused', 'lost'];
    private const MOST_SECONDS = 3600;

    public float $seconds;
    public float $sent;

    /** Includes pending profiles. */
    public float $buffered;

    public float $lost;

    /**
     * @param array<string, int> $results the counts now
     * @param string $before the result of mark() from the previous time
     * @return self|null null: $before is not valid, or too old
     */
    public static function since(string $before, array $results, float $now): ?self
    {
        $numbers = explode('.', $before);
        if (count($numbers) !== 1 + count(self::KEYS) || preg_match('/^[\d.]{1,120}$/D', $before) !== 1) {
            return null;
        }
        $seconds = $now - (int) array_shift($numbers) / 1000;
        $more = [];
        foreach (self::KEYS as $i => $key) {
            $more[$key] = $results[$key] - (int) $numbers[$i];
        }
        if ($seconds < 0.5 || $seconds > self::MOST_SECONDS || min($more) < 0) {
            return null;
        }
        $self = new self();
        $self->seconds = $seconds;
        $self->sent = $more['sent'] / $seconds;
        $self->buffered = ($more['buffered'] + $more['pending']) / $seconds;
        $self->lost = ($more['lost'] + $more['refused']) / $seconds;
        return $self;
    }

    /** @param array<string, int> $results */
    public static function mark(array $results, float $now): string
    {
        $numbers = [(int) ($now * 1000)];
        foreach (self::KEYS as $key) {
            $numbers[] = $results[$key];
        }
        return implode('.', $numbers);
    }
}
