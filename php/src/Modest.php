<?php

namespace Transmit;

use function count;
use function is_array;
use function strlen;

/**
 * Does json_encode take far less than a millisecond for a profile? The answer takes a tenth of the encoding's time.
 *
 * So not every field is looked at. The rows of a long list are alike: if the first one has plain values only and one
 * text, of each row that text is looked at, and all of the last row. What is nested in the other rows, however often
 * it is shared, is soon deeper than DEPTH, where json_encode stops. All else is looked at.
 *
 * Under a profiler a call of is_array() takes as long as json_encode needs for the field, so operators ask instead:
 * only arrays with items, objects and true are greater than []. No operator here calls a method of an object.
 */
final class Modest
{
    /** Levels of arrays: the profile, xhprof, profiling, top_functions, a row. */
    public const DEPTH = 5;

    /** So many fields are looked at. */
    private const FIELDS = 1024;

    private const MAX_ROWS = 400;
    private const MAX_ROW = 64;
    private const FEW_ROWS = 16;

    /** With more memory in use, a field that is not looked at could be too large: then all are looked at. */
    private const MUCH_MEMORY = 12582912;

    /** A longer text takes the place of a field for each 32 bytes. */
    private const SHORT = 512;

    public static function is(array $profile): bool
    {
        if (memory_get_usage() > self::MUCH_MEMORY) {
            return (new Piece())->size($profile, self::DEPTH) >= 0;
        }
        return self::left($profile, self::FIELDS, self::DEPTH) >= 0;
    }

    /** @return int how many fields are left of $left; below 0: it is not modest */
    private static function left(array $values, int $left, int $levels): int
    {
        if ($levels === 0) {
            return -1;
        }
        $count = count($values);
        if ($count > self::FEW_ROWS && ($name = self::textOfFirst($values)) !== null) {
            return $count > self::MAX_ROWS ? -1 : self::leftByRows($values, $name, $left);
        }
        foreach ($values as $key => $value) {
            if (--$left < 0 || isset($key[self::SHORT])) {
                return -1;
            }
            if ($value > []) {
                if ($value === true) {
                    continue;
                }
                if (!is_array($value) || ($left = self::left($value, $left, $levels - 1)) < 0) {
                    return -1;
                }
            } elseif (isset($value[self::SHORT])) {
                $left -= strlen($value) >> 5;
            }
        }
        return $left;
    }

    /** @return int|string|null which field of the first row, that has plain values only, is a text; null: none */
    private static function textOfFirst(array $rows)
    {
        $text = null;
        foreach ($rows as $row) {
            break;
        }
        if (!is_array($row)) {
            return null;
        }
        foreach ($row as $name => $value) {
            if ($value > [] && $value !== true) {
                return null;
            }
            if (isset($value[0])) {
                if ($text !== null) {
                    return null; // several: all are to be looked at
                }
                $text = $name;
            }
        }
        return $text;
    }

    /** @param int|string $name */
    private static function leftByRows(array $rows, $name, int $left): int
    {
        foreach ($rows as $row) {
            if (!is_array($row) || count($row) > self::MAX_ROW) {
                return -1;
            }
            $text = $row[$name] ?? null;
            if ($text instanceof \ArrayAccess) {
                return -1;
            }
            if (isset($text[self::SHORT])) {
                if ($text > [] || ($left -= strlen($text) >> 5) < 0) {
                    return -1;
                }
            }
        }
        return self::left($row, $left, 1);
    }
}
