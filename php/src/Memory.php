<?php

namespace Transmit;

/**
 * How much memory a profile's JSON may take: exceeding memory_limit would end the request.
 */
final class Memory
{
    /** A third of what memory_limit leaves: a string that grows is there twice for a moment. */
    public static function share(): int
    {
        $limit = self::limit();
        return $limit === null ? PHP_INT_MAX : intdiv(max(0, $limit - memory_get_usage(true)), 3);
    }

    /** @return int|null bytes; null: none */
    private static function limit(): ?int
    {
        // PHP's default where ini_get is disabled.
        $text = function_exists('ini_get') ? trim((string) ini_get('memory_limit')) : '128M';
        $units = ['k' => 10, 'm' => 20, 'g' => 30];
        $limit = (int) $text << ($units[strtolower(substr($text, -1))] ?? 0);
        return $limit > 0 ? $limit : null;
    }
}
