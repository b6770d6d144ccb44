<?php

namespace Transmit;

// In a namespace, PHP compiles these to single instructions only when they are imported: half the time.
use function count;
use function is_array;
use function is_string;
use function strlen;

/**
 * How large will a value be in JSON? Cheaper than to encode it.
 */
final class SizeBound
{
    private const MAX_DEPTH = 16;

    /** What an item takes beside its text: name, quotes, a number. */
    private const ITEM = 16;

    /** Text that is not longer than this is not measured in an array of a few items. */
    private const SHORT = 128;

    /** An array of no more items is taken item by item. */
    private const FEW = 16;

    /** Surely false for what takes json_encode longer than a text of so many bytes, about. */
    public static function isSmall(array $value, int $limit): bool
    {
        try {
            return self::guessed($value, $limit, self::MAX_DEPTH) >= 0;
        } catch (\Throwable $e) { // isset() of an object: what that becomes in JSON is its own affair
            return false;
        }
    }

    /** True only if json_encode, with Encoder's flags, gives more than $limit bytes. */
    public static function exceeds(array $value, int $limit): bool
    {
        return self::remaining($value, $limit, self::MAX_DEPTH) < 0 && !self::isRecursive($value);
    }

    /** Whether it holds itself, for which json_encode writes null. */
    public static function isRecursive(array $value): bool
    {
        $isRecursive = false;
        set_error_handler(static function () use (&$isRecursive): bool {
            return $isRecursive = true;
        });
        count($value, COUNT_RECURSIVE);
        restore_error_handler();
        return $isRecursive;
    }

    /**
     * Under a profiler a call of strlen() or is_array() takes as long as json_encode needs for the
     * field. So there are none for most fields: isset($text[128]) is one instruction, true for a text
     * of more than 128 bytes, and of all values only an array and true are greater than [].
     *
     * @return int what $value leaves of $limit; negative if that is nothing, or not clear
     */
    private static function guessed(array $value, int $limit, int $depth): int
    {
        if ($depth === 0) {
            return -1;
        }
        $fields = count($value) > self::FEW ? self::fieldsOfFirst($value) : 0;
        if ($fields > 0) {
            return self::guessedByRows($value, $fields, $limit, $depth);
        }
        foreach ($value as $key => $item) {
            $limit -= self::SHORT + self::ITEM;
            if (isset($key[self::SHORT])) {
                $limit -= strlen($key);
            }
            if ($item > [] && $item === (array) $item) {
                $limit = self::guessed($item, $limit, $depth - 1);
            } elseif (isset($item[self::SHORT])) {
                $limit -= strlen($item);
            }
            if ($limit < 0) {
                break;
            }
        }
        return $limit;
    }

    private static function fieldsOfFirst(array $value): int
    {
        foreach ($value as $first) {
            return is_array($first) ? count($first) : 0;
        }
        return 0;
    }

    /**
     * The same, for many arrays of about so many fields each. What is not looked at in each row: names,
     * for rows mostly have the same; and whether a field is an array, for counting all of them tells it.
     */
    private static function guessedByRows(array $rows, int $fields, int $limit, int $depth): int
    {
        $count = count($rows);
        $share = intdiv($limit, $count * (1 + $fields)) - self::ITEM;
        if ($share < 0) {
            return -1;
        }
        $short = min(self::ITEM, intdiv($share, 3)); // so short a text is not measured, and counts as much
        $most = intdiv($limit, $short + self::ITEM);
        $seen = 0;
        $names = $rows === array_values($rows) ? [] : $rows;
        foreach ($rows as $row) {
            if ($row !== (array) $row) {
                return -1;
            }
            foreach ($row as $field) {
                if (isset($field[$short]) && ($field > [] || ($limit -= strlen($field)) < 0)) {
                    return -1;
                }
                if (++$seen > $most) {
                    return -1;
                }
            }
            $names += $row;
        }
        foreach ($names as $name => $field) {
            $limit -= isset($name[self::SHORT]) ? $count * strlen($name) : 0;
        }
        $limit -= ($short + self::ITEM) * $seen;
        return $count + $seen === count($rows, COUNT_RECURSIVE) ? $limit : self::guessedInRows($rows, $limit, $depth);
    }

    /** The same, for the arrays in rows. */
    private static function guessedInRows(array $rows, int $limit, int $depth): int
    {
        foreach ($rows as $row) {
            foreach ($row as $field) {
                if ($field > [] && $field === (array) $field) {
                    $limit = self::guessed($field, $limit, $depth - 1);
                }
                if ($limit < 0) {
                    return -1;
                }
            }
        }
        return $limit;
    }

    /** @return int the same, and surely no less than json_encode leaves */
    private static function remaining(array $value, int $limit, int $depth): int
    {
        $limit -= $value === [] ? 2 : 1 + 2 * count($value); // brackets, commas, and a byte for each item
        foreach ($value as $key => $item) {
            if (is_string($key)) {
                $limit -= strlen($key) + 3;
            }
            if (is_string($item)) {
                $limit -= strlen($item) + 1; // no escape is shorter than what it stands for
            } elseif (is_array($item) && $depth > 0) {
                $limit = self::remaining($item, $limit + 1, $depth - 1);
            }
            if ($limit < 0) {
                return $limit;
            }
        }
        return $limit;
    }
}
