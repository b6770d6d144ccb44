<?php

namespace Transmit;

// In a namespace, PHP compiles these to single instructions only when they are imported: half the time.
use function count;
use function is_array;
use function is_string;
use function strlen;

/**
 * How large is a value in JSON, at least? Far cheaper than to encode it.
 */
final class SizeBound
{
    private const MAX_DEPTH = 16;

    /** True only if json_encode, with Encoder's flags, gives more than $limit bytes. */
    public static function exceeds(array $value, int $limit): bool
    {
        return self::remaining($value, $limit, self::MAX_DEPTH) < 0;
    }

    /** @return int what $value leaves of $limit; negative as soon as that is sure */
    private static function remaining(array $value, int $limit, int $depth): int
    {
        $limit -= 1 + max(1, count($value)); // brackets and commas
        foreach ($value as $key => $item) {
            if ($limit < 0) {
                return $limit;
            }
            $limit -= is_string($key) ? strlen($key) + 3 : 0;
            if (is_string($item)) {
                $limit -= strlen($item) + 2; // no escape is shorter than what it stands for
            } elseif (is_array($item) && $depth > 0 && !self::isReference($value, $key)) {
                $limit = self::remaining($item, $limit, $depth - 1);
            } else {
                $limit -= 1;
            }
        }
        return $limit;
    }

    /**
     * What is held by reference may hold itself, for which json_encode writes null.
     *
     * @param int|string $key
     */
    private static function isReference(array $value, $key): bool
    {
        return \ReflectionReference::fromArrayElement($value, $key) !== null;
    }
}
