<?php

namespace Transmit;

use function count;
use function is_array;
use function is_bool;
use function is_float;
use function is_int;
use function is_string;
use function strlen;

/**
 * Does json_encode take far less than a millisecond for a profile? The answer takes a fifth of the encoding's time.
 *
 * Each field is looked at. These functions are no calls: PHP has an operator for each. isset($text[512]) tells a long
 * text; it is asked of texts only, as an object may have a method for it.
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
                if (($left -= count($value)) < 0) {
                    return -1;
                }
                foreach ($value as $field) {
                    if (is_string($field)) {
                        if (isset($field[self::SHORT]) && ($left -= strlen($field) >> 5) < 0) {
                            return -1;
                        }
                    } elseif (!is_int($field) && !is_float($field) && !is_bool($field) && $field !== null) {
                        if (($left = self::left($value, $left + count($value), $levels - 1)) < 0) {
                            return -1;
                        }
                        continue 2;
                    }
                }
                $names += $value; // rows mostly have the same
            } elseif (is_string($value)) {
                if (isset($value[self::SHORT])) {
                    $left -= strlen($value) >> 5;
                }
            } elseif (!is_int($value) && !is_float($value) && !is_bool($value) && $value !== null) {
                return -1;
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
