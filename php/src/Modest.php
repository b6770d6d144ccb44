<?php

namespace Transmit;

use function count;
use function is_array;
use function strlen;

/**
 * Tells whether json_encode takes far less than a millisecond for a profile. The check takes half as long as that.
 *
 * It examines each field with operators instead of functions. Under tideways_xhprof, a call of is_string() takes as
 * long as json_encode needs for the field. Only arrays with items, objects and true are greater than [].
 * isset($text[512]) is true for a long text. No operator here calls a method of an object: only values that are not
 * greater than [] are asked for an offset.
 */
final class Modest
{
    /** Levels of arrays that are looked into. */
    private const DEPTH = 8;

    /** So many fields are looked at. */
    private const FIELDS = 2048;

    /** A longer text, or name, takes the place of a field for each 32 bytes. */
    private const SHORT = 512;

    public static function is(array $profile): bool
    {
        return self::left($profile, self::FIELDS, self::DEPTH) >= 0;
    }

    /**
     * A row, which has plain values only, is looked at without a call for it.
     *
     * @return int how many fields are left of $left; below 0: it is not modest
     */
    private static function left(array $values, int $left, int $levels): int
    {
        if ($levels === 0 || ($left -= count($values)) < 0) {
            return -1;
        }
        $names = $values;
        foreach ($values as $value) {
            if (is_array($value)) {
                foreach ($value as $field) {
                    if ($field > []) {
                        if (($left = self::left($value, $left, $levels - 1)) < 0) {
                            return -1;
                        }
                        continue 2;
                    }
                    if (--$left < 0 || isset($field[self::SHORT]) && ($left -= strlen($field) >> 5) < 0) {
                        return -1;
                    }
                }
                $names += $value; // rows mostly have the same
            } elseif ($value > [] && $value !== true) {
                return -1;
            } elseif (isset($value[self::SHORT])) {
                $left -= strlen($value) >> 5;
            }
        }
        foreach ($names as $name => $value) {
            if (isset($name[self::SHORT])) {
                return -1;
            }
        }
        return $left;
    }
}
