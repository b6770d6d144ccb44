<?php

namespace Transmit;

// In a namespace, PHP compiles these to single instructions only when they are imported: half the time.
use function count;
use function is_array;
use function is_object;
use function is_string;
use function strlen;

/**
 * Tells whether json_encode can encode a value at once. json_encode cannot be interrupted, so this must be known
 * before.
 *
 * A piece is encoded within a fraction of a millisecond, whatever is in it. The look at it ends as soon as it is
 * known to be more: at most a few thousand items, also of an array that holds another one a million times.
 */
final class Piece
{
    /** A piece's size, about: the bytes of its text, and ITEM for each item. */
    public const BYTES = 65536;

    public const ITEM = 16;

    /** What is nested deeper may hold itself. */
    private const DEPTH = 32;

    /**
     * Looks that found no piece may cost so much more than those that found one. After that, pieces are small and flat:
     * a value that is nested 500 times would otherwise be looked into on each level.
     */
    private const CREDIT = 4 * self::BYTES;

    private const SMALL = 512;
    private const SMALL_DEPTH = 4;

    private int $credit = self::CREDIT;

    /** @var array<string|int, true>|null where the look is now, by reference and object; null: not asked for */
    private $path = null;

    private bool $isTooDeep = false;

    /**
     * @param mixed $value
     * @param int $levels so many levels of arrays and objects may be in it
     * @return int its size, about; -1: it is no piece
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
            return -1; // what that gives, only a call tells
        }
        $isThorough = $this->credit > 0;
        $most = $isThorough ? self::BYTES : self::SMALL;
        $this->isTooDeep = false;
        $this->path = $isThorough ? null : [];
        $left = $this->look($value, $most, min($levels, $isThorough ? self::DEPTH : self::SMALL_DEPTH));
        if ($left < 0 && $this->isTooDeep && $isThorough) {
            $this->path = []; // Does it hold itself? json_encode writes null there.
            $left = $this->look($value, $most, $levels);
        }
        $this->credit = min(self::CREDIT, $this->credit + ($left < 0 ? -max(0, $most + $left) : $most - $left));
        return $left < 0 ? -1 : $most - $left;
    }

    /**
     * @param array|object $value
     * @return int what it leaves of $left; below 0: it is no piece, and -1 - this was left when the look ended
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
     * @param array|null $array the same, if it is an array
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
     * @return string|null what is the same for all references to the same; null: it is none
     */
    public static function reference(array $array, $key): ?string
    {
        try {
            $reference = \ReflectionReference::fromArrayElement($array, $key);
            return $reference === null ? null : $reference->getId();
        } catch (\Error $e) {
            return null; // disable_classes: nesting ends it
        }
    }
}
