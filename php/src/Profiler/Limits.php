<?php

namespace Transmit\Profiler;

/**
 * Extends memory_limit and max_execution_time while a profile is summed up and sent, so that this does not end the
 * request with a fatal error. memory_limit is restored afterwards.
 */
final class Limits
{
    /** Memory that the end of a profile may need, in any case. */
    private const ROOM_BYTES = 16777216;

    /**
     * (tideways_)xhprof uses 128 bytes for each pair of caller and callee, and 440 to 710 more at its end. The sums
     * need up to 230 more. So 8 times the memory in use is enough, even if the pairs are all that is in it.
     */
    private const PAIRS_FACTOR = 8;

    /** Enough for 60,000 pairs with long names. An application with more may well use more memory. */
    private const PAIRS_ROOM_BYTES = 67108864;

    /** PHP takes memory in pieces of this size. Without opcache, the classes of the end need a third of it. */
    private const CHUNK_BYTES = 2097152;

    /** If less time than this is left, the time limit starts again. */
    private const SECONDS = 2;

    /** @var bool whether the backend measures pairs of caller and callee */
    private $hasPairs;

    /** @var string|null the memory_limit to restore */
    private $memoryLimit = null;

    public function __construct(bool $hasPairs)
    {
        $this->hasPairs = $hasPairs;
    }

    public function extend(float $elapsedSeconds): void
    {
        $room = $this->roomBytes();
        if ($this->freeBytes() < $room && function_exists('ini_set')) {
            $was = ini_set('memory_limit', (string) (memory_get_usage(true) + $room));
            $this->memoryLimit = $was === false ? null : $was;
        }
        $seconds = (int) ini_get('max_execution_time');
        if ($seconds > 0 && $elapsedSeconds > $seconds - self::SECONDS && function_exists('set_time_limit')) {
            set_time_limit($seconds); // same value, but PHP counts from now
        }
    }

    /** False where memory_limit could not be raised, and to load the classes of the end could exceed it. */
    public function mayEnd(): bool
    {
        return $this->freeBytes() >= self::CHUNK_BYTES;
    }

    /**
     * Returns false if memory_limit could not be raised, and what the backend returns may not fit. The extensions tell
     * no number of pairs before their end. So if there is no proof, it wants as much as the application uses.
     */
    public function hasRoom(): bool
    {
        return $this->freeBytes() >= min($this->roomBytes(), max(self::PAIRS_ROOM_BYTES, memory_get_usage()));
    }

    /** Whether $bytes fit, and what follows. */
    public function hasRoomFor(int $bytes): bool
    {
        return $this->freeBytes() >= $bytes + 2 * self::CHUNK_BYTES;
    }

    /** PHP refuses the old limit if more memory than that is in use. Then the new limit stays. */
    public function restore(): void
    {
        if ($this->memoryLimit !== null) {
            ini_set('memory_limit', $this->memoryLimit);
        }
    }

    private function roomBytes(): int
    {
        return max(self::ROOM_BYTES, $this->hasPairs ? self::PAIRS_FACTOR * memory_get_usage() : 0);
    }

    private function freeBytes(): int
    {
        $limit = self::bytes((string) ini_get('memory_limit'));
        return $limit <= 0 ? PHP_INT_MAX : $limit - memory_get_usage(true);
    }

    /** Converts a size as PHP does, such as 128M. */
    private static function bytes(string $text): int
    {
        $shift = ['k' => 10, 'm' => 20, 'g' => 30][strtolower(substr(trim($text), -1))] ?? 0;
        return (int) $text << $shift;
    }
}
