<?php

namespace Transmit;

use function count;
use function is_array;
use function is_object;
use function is_string;
use function strlen;

/**
 * Does the same as json_encode, with a deadline and a limit of bytes. It encodes a value piece by piece, and throws
 * Refused when a limit is exceeded.
 */
final class Encoder
{
    /** The same as in json_encode and the library. The outermost level is 1. */
    public const MAX_DEPTH = 512;

    public const FLAGS = JSON_UNESCAPED_SLASHES | JSON_PARTIAL_OUTPUT_ON_ERROR | JSON_INVALID_UTF8_SUBSTITUTE;

    private Deadline $deadline;
    private int $maxBytes;
    private Serialized $serialized;
    private Piece $piece;
    private string $json = '';
    private bool $hasPieces = false;

    /** @var array<string|int, true> the references and objects that are being encoded: inside, they are encoded as null */
    private array $path = [];

    private function __construct(Deadline $deadline, int $maxBytes, Serialized $serialized)
    {
        $this->deadline = $deadline;
        $this->maxBytes = $maxBytes;
        $this->serialized = $serialized;
        $this->piece = new Piece();
    }

    /**
     * Encodes a profile, with "_meta" as the last field. It does not copy $data, which may be most of the memory.
     *
     * @param array<string, mixed> $instead fields that replace those of $data
     * @param array<string, mixed> $meta
     * @throws Refused ETIMEDOUT, ETOOBIG, EDEPTH
     */
    public static function profile(
        array $data,
        array $instead,
        array $meta,
        Deadline $deadline,
        int $maxBytes,
        Serialized $serialized
    ): string {
        $encoder = new self($deadline, $maxBytes, $serialized);
        $encoder->json = '{';
        $encoder->appendItems(self::fields($data, $instead, $meta), $data, true, 1);
        $encoder->json .= '}';
        return $encoder->json;
    }

    /** Encodes a value that is known to be a piece, as quickly as possible. @param mixed $value */
    public static function whole($value): string
    {
        return (string) json_encode($value, self::FLAGS);
    }

    /** @return iterable<int|string, mixed> */
    private static function fields(array $data, array $instead, array $meta): iterable
    {
        foreach ($data as $key => $item) {
            if ($key !== '_meta') {
                yield $key => array_key_exists($key, $instead) ? $instead[$key] : $item;
            }
        }
        yield '_meta' => $meta;
    }

    /** @param mixed $value */
    private function append($value, int $level): void
    {
        if ($this->piece->size($value, self::MAX_DEPTH + 1 - $level, $this->path) >= 0) {
            $this->appendPiece($value);
        } else {
            $this->appendParts($value, $level);
        }
    }

    /** @param string|array|object $value known not to be a piece */
    private function appendParts($value, int $level): void
    {
        $this->checkTime();
        if (is_string($value)) {
            $this->appendString($value);
        } elseif (is_array($value)) {
            $this->appendArray($value, $level);
        } else {
            $this->appendObject($value, $level);
        }
    }

    /** @param mixed $piece */
    private function appendPiece($piece, int $withoutEnds = 0): void
    {
        $json = self::whole($piece);
        $this->check(strlen($json) - 2 * $withoutEnds);
        $this->json .= $withoutEnds === 0 ? $json : substr($json, $withoutEnds, -$withoutEnds);
    }

    /** Checks the limits, but not the time of the first piece, so that a small profile is never refused. */
    private function check(int $moreBytes = 0): void
    {
        if (strlen($this->json) + $moreBytes > $this->maxBytes) {
            throw new Refused(Result::ETOOBIG, "it has more than $this->maxBytes bytes");
        }
        if ($this->hasPieces) {
            $this->checkTime();
        }
        $this->hasPieces = true;
    }

    /** Called also at each level that is not a piece, because Piece may have checked thousands of items there. */
    private function checkTime(): void
    {
        self::refuseAfter($this->deadline);
    }

    private static function refuseAfter(Deadline $deadline): void
    {
        if ($deadline->isOver()) {
            throw new Refused(Result::ETIMEDOUT, 'time was up before it was encoded');
        }
    }

    private function appendArray(array $array, int $level): void
    {
        $isMap = !self::isList($array, $this->deadline);
        $this->json .= $isMap ? '{' : '[';
        $this->appendItems($array, $array, $isMap, $level);
        $this->json .= $isMap ? '}' : ']';
    }

    private function appendObject(object $object, int $level): void
    {
        $id = spl_object_id($object);
        if (isset($this->path[$id])) {
            $this->json .= 'null';
            return;
        }
        $this->path[$id] = true;
        $value = $object instanceof \JsonSerializable ? $this->serialized->of($object) : $object;
        if ($value !== $object) {
            $this->append($value, $level);
        } else {
            $this->json .= '{';
            $this->appendItems(ObjectFields::of($object), null, true, $level);
            $this->json .= '}';
        }
        unset($this->path[$id]);
    }

    /**
     * Encodes as many items at once as make a piece. An item that is larger than a piece is encoded by its own items.
     *
     * @param iterable<mixed>|object $items
     * @param array|null $array the array of these items; null: they belong to an object
     */
    private function appendItems($items, ?array $array, bool $isMap, int $level): void
    {
        if ($level > self::MAX_DEPTH) {
            throw new Refused(Result::EDEPTH, 'it is nested deeper than ' . self::MAX_DEPTH . ' levels');
        }
        $comma = '';
        $chunk = [];
        $room = Piece::BYTES;
        $known = $this->piece->knownKey(); // of these items: the last check was that of the value that has them
        foreach ($items as $key => $item) {
            if ($array === null && !ObjectFields::isPublic($key)) {
                continue;
            }
            $size = $key === $known ? -1 : $this->piece->size($item, self::MAX_DEPTH - $level, $this->path);
            $needs = Piece::ITEM + $size + (is_string($key) ? strlen($key) : 0);
            if ($size >= 0 && $needs <= $room && ($chunk !== [] || !$isMap || ($key !== 0 && $key !== '0'))) {
                $isMap ? $chunk[$key] = $item : $chunk[] = $item;
                $room -= $needs;
                continue;
            }
            $this->appendChunk($chunk, $comma);
            $chunk = [];
            $room = Piece::BYTES;
            // A map's item with the key 0 cannot begin a chunk, because json_encode would write a list.
            $this->json .= $comma;
            $comma = ',';
            if ($isMap) {
                $this->appendString((string) $key);
                $this->json .= ':';
            }
            $size >= 0 ? $this->appendPiece($item) : $this->appendItem($array, $key, $item, $level + 1);
            $this->check();
        }
        $this->appendChunk($chunk, $comma);
    }

    private function appendChunk(array $chunk, string &$comma): void
    {
        if ($chunk !== []) {
            $this->json .= $comma;
            $comma = ',';
            $this->appendPiece($chunk, 1);
        }
    }

    /**
     * @param int|string $key
     * @param mixed $item
     */
    private function appendItem(?array $array, $key, $item, int $level): void
    {
        $id = $array !== null && is_array($item) && isset($array[$key]) ? Piece::reference($array, $key) : null;
        if ($id === null) {
            $this->appendParts($item, $level);
        } elseif (isset($this->path[$id])) {
            $this->json .= 'null';
        } else {
            $this->path[$id] = true;
            $this->appendParts($item, $level);
            unset($this->path[$id]);
        }
    }

    /** Encodes a string in parts. None ends within a UTF-8 sequence. */
    private function appendString(string $string): void
    {
        if (strlen($string) <= Piece::BYTES) {
            $this->appendPiece($string);
            return;
        }
        $this->json .= '"';
        for ($at = 0; $at < strlen($string); $at = $end) {
            $end = self::cutBefore($string, $at + Piece::BYTES);
            $this->appendPiece(substr($string, $at, $end - $at), 1);
        }
        $this->json .= '"';
    }

    /**
     * The place to cut, at $at or before: where a sequence begins, which has four bytes at most. json_encode replaces a
     * sequence that is not valid with one character, up to the next byte that may begin one, also if that is no
     * continuation byte: "\xe2\xff" is one.
     */
    private static function cutBefore(string $string, int $at): int
    {
        for ($back = 0; $back <= 3 && $at < strlen($string); $back++) {
            $byte = ord($string[$at - $back]);
            if ($byte < 0x80 || ($byte >= 0xC2 && $byte <= 0xF4)) {
                return $at - $back;
            }
        }
        return min($at, strlen($string));
    }

    /**
     * array_is_list(), which exists since PHP 8.1. Before, each key is compared until time is up.
     *
     * @throws Refused ETIMEDOUT
     */
    public static function isList(array $array, Deadline $deadline): bool
    {
        if (PHP_VERSION_ID >= 80100) {
            return array_is_list($array);
        }
        $next = 0;
        foreach ($array as $key => $item) {
            if ($key !== $next++) {
                return false;
            }
            if ($next % 65536 === 0) {
                self::refuseAfter($deadline);
            }
        }
        return true;
    }
}
