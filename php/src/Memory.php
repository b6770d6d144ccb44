<?php

namespace Transmit;

/**
 * Limits the memory for a profile's JSON, because exceeding memory_limit would end the request.
 */
final class Memory
{
    /** A third of the memory that memory_limit leaves, because a string that grows may be copied. */
    public static function share(): int
    {
        $limit = self::limit();
        return $limit === null ? PHP_INT_MAX : intdiv(max(0, $limit - memory_get_usage(true)), 3);
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
