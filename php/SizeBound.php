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

    /** About so many bytes or more: a guess, but what is not large is encoded in no time. */
    public static function isLarge(array $value, int $limit): bool
    {
        return self::guessed($value, $limit, self::MAX_DEPTH) < 0;
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
     * Two levels in one, for a call takes as long as a row of fields.
     *
     * @return int what $value leaves of $limit; negative as soon as that is sure
     */
    private static function guessed(array $value, int $limit, int $depth): int
    {
        $limit -= self::ITEM * count($value);
        foreach ($value as $key => $item) {
            if (is_array($item)) {
                $limit -= self::ITEM * count($item);
                if ($limit < 0) {
                    break;
                }
                foreach ($item as $field) {
                    if (is_string($field)) {
                        $limit -= strlen($field);
                    } elseif (is_array($field) && $depth > 0) {
                        $limit = self::guessed($field, $limit, $depth - 2);
                    }
                }
            } elseif (is_string($item)) {
                $limit -= strlen($item);
            }
            if (is_string($key)) {
                $limit -= strlen($key);
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
