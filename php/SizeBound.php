<?php

namespace Transmit;

// In a namespace, PHP compiles these to single instructions only when they are imported: half the time.
use function count;
use function is_array;
use function is_string;
use function strlen;

/**
 * How large is a value in JSON, at least? Cheaper than to encode it.
 */
final class SizeBound
{
    private const MAX_DEPTH = 16;
    private const ROWS = 16;

    /** True only if json_encode, with Encoder's flags, gives more than $limit bytes. */
    public static function exceeds(array $value, int $limit): bool
    {
        // To look for references takes several times as long, and hardly ever finds one.
        return self::remaining($value, $limit, self::MAX_DEPTH) < 0
            && self::remainingWithoutReferences($value, $limit, self::MAX_DEPTH) < 0;
    }

    /** @return int what $value leaves of $limit; negative as soon as that is sure */
    private static function remaining(array $value, int $limit, int $depth): int
    {
        $limit -= $value === [] ? 2 : 1 + 2 * count($value); // brackets, commas, and a byte for each item
        foreach ($value as $key => $item) {
            if (is_string($key)) {
                $limit -= strlen($key) + 3;
            }
            if (is_string($item)) {
                $limit -= strlen($item); // no escape is shorter than what it stands for
            } elseif (is_array($item) && $depth > 0) {
                $rows = self::ofRows($item);
                $limit = $rows > 0 ? $limit + 1 - $rows : self::remaining($item, $limit + 1, $depth - 1);
            }
            if ($limit < 0) {
                return $limit;
            }
        }
        return $limit;
    }

    /**
     * The same for many rows of one form, such as queries: column by column, at a tenth of the time.
     *
     * @return int at least so many bytes; 0: these are no such rows
     */
    private static function ofRows(array $rows): int
    {
        $count = count($rows);
        $first = $rows[0] ?? null;
        $fields = is_array($first) ? count($first) : 0;
        if ($count < self::ROWS || $fields === 0 || count($rows, COUNT_RECURSIVE) !== $count * (1 + $fields)) {
            return 0;
        }
        $bytes = 2 * $count * (1 + $fields); // as above
        foreach ($first as $key => $value) {
            $column = array_column($rows, $key);
            $texts = is_string($value) ? array_filter($column, 'is_string') : [];
            $bytes += is_string($key) ? count($column) * (strlen($key) + 3) : 0;
            $bytes += strlen(implode('', $texts)) + count($texts);
        }
        return $bytes;
    }

    /** The same; but what is held by reference may hold itself, for which json_encode writes null. */
    private static function remainingWithoutReferences(array $value, int $limit, int $depth): int
    {
        $items = [];
        foreach ($value as $key => $item) {
            $isReference = is_array($item) && \ReflectionReference::fromArrayElement($value, $key) !== null;
            if (!is_array($item) || $isReference || $depth === 0) {
                $items[$key] = $isReference ? null : $item;
                continue;
            }
            $limit = self::remainingWithoutReferences($item, $limit + 1, $depth - 1);
            if ($limit < 0) {
                return $limit;
            }
            $items[$key] = null;
        }
        return self::remaining($items, $limit, 0);
    }
}
