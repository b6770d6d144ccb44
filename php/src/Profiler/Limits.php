<?php

namespace Transmit\Profiler;

/**
 * Extends memory_limit and max_execution_time while a profile is summed up and sent, so that this does not end the
 * request with a fatal error. memory_limit is restored afterwards.
 */
final class Limits
{
    /** Memory that the end of a profile may need. With a call graph it needs more, for all callers and callees. */
    private const ROOM_BYTES = 16777216;
    private const CALL_GRAPH_ROOM_BYTES = 268435456;

    /** PHP takes memory in pieces of this size. Without opcache, the classes of the end need a third of it. */
    private const CHUNK_BYTES = 2097152;

    /** If less time than this is left, the time limit starts again. */
    private const SECONDS = 2;

    /** @var int */
    private $roomBytes;

    /** @var string|null the memory_limit to restore */
    private $memoryLimit = null;

    public function __construct(bool $hasCallGraph)
    {
        $this->roomBytes = $hasCallGraph ? self::CALL_GRAPH_ROOM_BYTES : self::ROOM_BYTES;
    }

    public function extend(float $elapsedSeconds): void
    {
        if ($this->freeBytes() < $this->roomBytes && function_exists('ini_set')) {
            $was = ini_set('memory_limit', (string) (memory_get_usage(true) + $this->roomBytes));
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

    /** Returns false if memory_limit could not be raised, and the backend's measurements may not fit. */
    public function hasRoom(): bool
    {
        return $this->freeBytes() >= min($this->roomBytes, self::ROOM_BYTES);
    }

    /** PHP refuses the old limit if more memory than that is in use. Then the new limit stays. */
    public function restore(): void
    {
        if ($this->memoryLimit !== null) {
            ini_set('memory_limit', $this->memoryLimit);
        }
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
