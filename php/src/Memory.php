<?php

namespace Transmit;

/**
 * Limits the memory for a profile's JSON, because exceeding memory_limit would end the request.
 */
final class Memory
{
    /**
     * PHP takes memory from the system in chunks of 2 MB. The pieces of the JSON need one, and JSON of up to 2 MB needs
     * two while it is copied from one to the other.
     */
    private const CHUNKS = 2 << 21;

    /** A third of the memory that memory_limit leaves beside them, because a string that grows may be copied. */
    public static function share(): int
    {
        $limit = self::limit();
        if ($limit === null) {
            return PHP_INT_MAX;
        }
        $left = max(0, $limit - memory_get_usage(true));
        return intdiv($left - min(self::CHUNKS, intdiv($left, 2)), 3);
    }

    /** @return int|null bytes; null: no limit */
    private static function limit(): ?int
    {
        // If ini_get() is disabled: PHP's default.
        $text = function_exists('ini_get') ? trim((string) ini_get('memory_limit')) : '128M';
        $units = ['k' => 10, 'm' => 20, 'g' => 30];
        $limit = (int) $text << ($units[strtolower(substr($text, -1))] ?? 0);
        return $limit > 0 ? $limit : null;
    }
}
