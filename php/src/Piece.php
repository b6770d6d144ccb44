<?php

namespace Transmit;

// In a namespace, PHP compiles these to single instructions only when they are imported: half the time.
use function count;
use function is_array;
use function is_object;
use function is_string;
use function strlen;

/**
 * Tells whether a value is a piece: json_encode encodes it within a fraction of a millisecond. This is checked before,
 * because json_encode cannot be interrupted.
 *
 * The check ends as soon as the value is too large for a piece, after a few thousand items at most. That also holds for
 * an array that contains the same large array many times.
 */
final class Piece
{
    /** The largest size of a piece: the bytes of its texts, and ITEM for each item. */
    public const BYTES = 65536;

    public const ITEM = 16;

    /** A value that is nested deeper may contain itself. */
    private const DEPTH = 32;

    /**
     * Limits the cost of checks that find no piece, compared with those that find one. When it is used up, only small
     * and flat values are pieces. Otherwise a value that is nested 500 times would be checked on each level.
     */
    private const CREDIT = 4 * self::BYTES;

    private const SMALL = 512;
    private const SMALL_DEPTH = 4;

    private int $credit = self::CREDIT;

    /** @var array<string|int, true>|null the references and objects that contain the current item; null: not needed */
    private $path = null;

    private bool $isTooDeep = false;

    /**
     * @param mixed $value
     * @param int $levels levels of arrays and objects that it may have
     * @return int its approximate size; -1: it is not a piece
     */
    public function size($value, int $levels): int
    {
        if (is_string($value)) {
            return strlen($value) <= self::BYTES ? strlen($value) : -1;
        }
        if (!is_array($value) && !is_object($value)) {
            return 0;
        }
        if ($value instanceof \JsonSerializable) {
            return -1; // only a call tells its result
        }
        $isThorough = $this->credit > 0;
        $most = $isThorough ? self::BYTES : self::SMALL;
        $this->isTooDeep = false;
        $this->path = $isThorough ? null : [];
        $left = $this->look($value, $most, min($levels, $isThorough ? self::DEPTH : self::SMALL_DEPTH));
        if ($left < 0 && $this->isTooDeep && $isThorough) {
            $this->path = []; // It may contain itself: json_encode writes null there.
            $left = $this->look($value, $most, $levels);
        }
        $this->credit = min(self::CREDIT, $this->credit + ($left < 0 ? -max(0, $most + $left) : $most - $left));
        return $left < 0 ? -1 : $most - $left;
    }

    /**
     * @param array|object $value
     * @return int the rest of $left; below 0: it is not a piece, and -1 minus this is the rest when the check ended
     */
    private function look($value, int $left, int $levels): int
    {
        if (is_array($value)) {
            return $this->lookInto($value, $left, $levels, $value);
        }
        if ($value instanceof \JsonSerializable) {
            return -1 - $left;
        }
        if ($value instanceof \UnitEnum) {
            return $left - self::ITEM;
        }
        $id = spl_object_id($value);
        if (isset($this->path[$id])) {
            return $left;
        }
        if ($this->path !== null) {
            $this->path[$id] = true;
        }
        $left = $this->lookInto(ObjectFields::of($value), $left, $levels, null);
        unset($this->path[$id]);
        return $left;
    }

    /**
     * @param array|\stdClass $fields
     * @param array|null $array $fields if it is an array
     */
    private function lookInto($fields, int $left, int $levels, ?array $array): int
    {
        if ($fields instanceof \Traversable) {
            return -1 - $left; // foreach would call its methods, which json_encode does not
        }
        $left -= self::ITEM * (1 + ($array === null ? 0 : count($array)));
        if ($left >= 0 && $levels <= 0) {
            $this->isTooDeep = true;
            return -1 - $left;
        }
        if ($left < 0) {
            return $left;
        }
        foreach ($fields as $key => $item) {
            if (is_string($key)) {
                $left -= strlen($key);
            }
            if (is_string($item)) {
                $left -= strlen($item);
            } elseif (is_array($item)) {
                $left = $this->path === null || $array === null
                    ? $this->lookInto($item, $left, $levels - 1, $item)
                    : $this->lookAtReference($array, $key, $item, $left, $levels - 1);
            } elseif (is_object($item)) {
                $left = $this->look($item, $left, $levels - 1);
            }
            if ($array === null) {
                $left -= self::ITEM;
            }
            if ($left < 0) {
                return $left;
            }
        }
        return $left;
    }

    /** @param int|string $key */
    private function lookAtReference(array $array, $key, array $item, int $left, int $levels): int
    {
        $id = self::reference($array, $key);
        if ($id === null) {
            return $this->lookInto($item, $left, $levels, $item);
        }
        if (isset($this->path[$id])) {
            return $left;
        }
        $this->path[$id] = true;
        $left = $this->lookInto($item, $left, $levels, $item);
        unset($this->path[$id]);
        return $left;
    }

    /**
     * @param int|string $key
     * @return string|null an id of the reference, the same for all references to one value; null: it is not a reference
     */
    public static function reference(array $array, $key): ?string
    {
        try {
            $reference = \ReflectionReference::fromArrayElement($array, $key);
            return $reference === null ? null : $reference->getId();
        } catch (\Error $e) {
            return null; // the class is disabled: the limit of nesting ends the check
        }
    }
}
