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
 * The check ends as soon as the value is too large for a piece, after some thousand items at most. That also holds for
 * an array that contains the same large array many times.
 */
final class Piece
{
    /** The largest size of a piece: the bytes of its texts, and ITEM for each item. */
    public const BYTES = 65536;

    public const ITEM = 16;

    /**
     * How much is checked at most. The check of a nested item goes on when the value is too large already, because the
     * item may be too large by itself: see knownKey().
     */
    private const MOST = 2 * self::BYTES;

    /** A value that is nested deeper may contain itself. */
    private const DEPTH = 32;

    /** @var array<string|int, true> the objects and references that contain the current item */
    private array $path = [];

    /** @var array<string|int, true> those that contain the whole value */
    private array $outer = [];

    /** Whether $path has references: to find them takes time. */
    private bool $hasReferences = false;

    private bool $isTooDeep = false;

    /** @var array<int|string> the keys, from the innermost to the outermost, to items that are known to be no pieces */
    private array $known = [];

    /**
     * @param mixed $value
     * @param int $levels levels of arrays and objects that it may have
     * @param array<string|int, true> $outer what contains it, as in $path: a value with one of these is not a piece
     * @return int its approximate size; -1: it is not a piece
     */
    public function size($value, int $levels, array $outer = []): int
    {
        if (is_string($value)) {
            return strlen($value) <= self::BYTES ? strlen($value) : -1;
        }
        if (!is_array($value) && !is_object($value)) {
            return 0;
        }
        $known = $this->known;
        $this->known = [];
        $this->path = [];
        $this->outer = $outer;
        $this->hasReferences = $outer !== [];
        $this->isTooDeep = false;
        $left = $this->look($value, self::MOST, $this->hasReferences ? $levels : min($levels, self::DEPTH));
        if ($this->isTooDeep) {
            $this->hasReferences = true; // It may contain itself: json_encode writes null there.
            $this->known = [];
            $left = $this->look($value, self::MOST, $levels);
        }
        if ($left < 0) {
            return -1;
        }
        $this->known = $known;
        return self::MOST - $left;
    }

    /**
     * When size() finds that a value is not a piece, it often knows that also of an item of the value, of an item of
     * that item, and so on. Then these need no check: a value that is nested 500 times is checked once.
     *
     * @return int|string|null the key of such an item in the value, and in the next call of one in that item; null: the
     *     items must be checked
     */
    public function knownKey()
    {
        return array_pop($this->known);
    }

    /**
     * @param array|object $value
     * @return int the rest of $left; -1: it is not a piece
     */
    private function look($value, int $left, int $levels): int
    {
        if (is_array($value)) {
            return $this->lookInto($value, $left, $levels, $value);
        }
        if ($value instanceof \JsonSerializable) {
            return -1; // only a call tells its result
        }
        if ($value instanceof \UnitEnum) {
            return $left - self::ITEM;
        }
        return $this->lookOnce(spl_object_id($value), $value, $left, $levels);
    }

    /**
     * @param array|\stdClass $fields
     * @param array|null $array $fields if it is an array
     */
    private function lookInto($fields, int $left, int $levels, ?array $array): int
    {
        $least = max(0, $left - self::BYTES); // 0: the check may end before it is known whether this is a piece
        $left -= self::ITEM * (1 + ($array === null ? 0 : count($array)));
        if ($left < $least) {
            return -1;
        }
        if ($levels <= 0) {
            $this->isTooDeep = !$this->hasReferences;
            return -1;
        }
        foreach ($fields as $key => $item) {
            if (is_string($key)) {
                if ($array === null && !ObjectFields::isPublic($key)) {
                    continue;
                }
                $left -= strlen($key);
            }
            if (is_string($item)) {
                $left -= strlen($item);
            } elseif (is_array($item) || is_object($item)) {
                $before = $left;
                $id = $this->hasReferences && $array !== null && is_array($item) ? self::reference($array, $key) : null;
                $left = $id === null
                    ? $this->look($item, $left, $levels - 1)
                    : $this->lookOnce($id, $item, $left, $levels - 1);
                if ($left < 0 && $before >= self::BYTES) {
                    $this->known[] = $key;
                }
            }
            if ($array === null) {
                $left -= self::ITEM;
            }
            if ($left < $least) {
                return -1;
            }
        }
        return $left;
    }

    /**
     * @param int|string $id of an object, or of a reference to an array
     * @param array|object $value
     */
    private function lookOnce($id, $value, int $left, int $levels): int
    {
        if (isset($this->outer[$id])) {
            return -1;
        }
        if (isset($this->path[$id])) {
            return $left;
        }
        $this->path[$id] = true;
        $left = is_array($value)
            ? $this->lookInto($value, $left, $levels, $value)
            : $this->lookInto(ObjectFields::of($value), $left, $levels, null);
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
