<?php

namespace Transmit;

/**
 * json_encode as this library uses it, and in pieces for what may take longer than there is time.
 */
final class Encoder
{
    private const FLAGS = JSON_UNESCAPED_SLASHES | JSON_PARTIAL_OUTPUT_ON_ERROR | JSON_INVALID_UTF8_SUBSTITUTE;

    /** So much, in bytes, is encoded at once: it takes a millisecond or two. */
    public const PIECE = 262144;

    private const CHUNK = 64;

    private Deadline $deadline;

    private string $json = '';
    private bool $hasPieces = false;

    private function __construct(Deadline $deadline)
    {
        $this->deadline = $deadline;
    }

    /** At once: for a profile that is small. "" if it cannot be encoded. */
    public static function encode(array $data): string
    {
        return self::whole($data);
    }

    /** @return string|null null: time was up */
    public static function encodeUntil(array $data, Deadline $deadline): ?string
    {
        if (SizeBound::isRecursive($data)) {
            return self::whole($data);
        }
        $encoder = new self($deadline);
        return $encoder->append($data) ? $encoder->json : null;
    }

    /** @param mixed $value */
    private static function whole($value): string
    {
        return (string) json_encode($value, self::FLAGS);
    }

    /** @param mixed $value */
    private function append($value): bool
    {
        if (is_string($value) && strlen($value) > self::PIECE) {
            return $this->appendString($value);
        }
        if (is_array($value) && !SizeBound::isSmall($value, self::PIECE)) {
            return $this->appendArray($value, self::isList($value));
        }
        return $this->appendWhole($value);
    }

    /**
     * The first piece always has time: nothing that is small is lost here.
     *
     * @param mixed $value
     */
    private function appendWhole($value, int $withoutEnds = 0): bool
    {
        if ($this->hasPieces && $this->deadline->isOver()) {
            return false;
        }
        $this->hasPieces = true;
        $json = self::whole($value);
        $this->json .= $withoutEnds === 0 ? $json : substr($json, $withoutEnds, -$withoutEnds);
        return true;
    }

    private function appendArray(array $array, bool $isList): bool
    {
        $this->json .= $isList ? '[' : '{';
        foreach (self::chunks($array) as $number => $chunk) {
            $this->json .= $number > 0 ? ',' : '';
            if (!$this->appendChunk($chunk, $isList)) {
                return false;
            }
        }
        $this->json .= $isList ? ']' : '}';
        return true;
    }

    private function appendChunk(array $chunk, bool $isList): bool
    {
        if (SizeBound::isSmall($chunk, self::PIECE)) {
            return $this->appendWhole($isList ? array_values($chunk) : (object) $chunk, 1);
        }
        $comma = '';
        foreach ($chunk as $key => $item) {
            $this->json .= $comma;
            $comma = ',';
            if (!$isList && !$this->appendName((string) $key)) {
                return false;
            }
            if (!$this->append($item)) {
                return false;
            }
        }
        return true;
    }

    private function appendName(string $name): bool
    {
        $isInTime = $this->append($name);
        $this->json .= ':';
        return $isInTime;
    }

    /** Cut only where a UTF-8 sequence begins: each part means what it means in the whole. */
    private function appendString(string $string): bool
    {
        $this->json .= '"';
        for ($at = 0; $at < strlen($string); $at = $end) {
            $end = self::cutBefore($string, $at + self::PIECE);
            if (!$this->appendWhole(substr($string, $at, $end - $at), 1)) {
                return false;
            }
        }
        $this->json .= '"';
        return true;
    }

    /** A sequence has at most three continuation bytes (10xxxxxx); what follows more of them stands for itself. */
    private static function cutBefore(string $string, int $at): int
    {
        for ($back = 0; $back <= 3 && $at < strlen($string); $back++) {
            if ((ord($string[$at - $back]) & 0xC0) !== 0x80) {
                return $at - $back;
            }
        }
        return min($at, strlen($string));
    }

    /** @return \Generator<int, array<mixed>> */
    private static function chunks(array $array): \Generator
    {
        $chunk = [];
        foreach ($array as $key => $item) {
            $chunk[$key] = $item;
            if (count($chunk) === self::CHUNK) {
                yield $chunk;
                $chunk = [];
            }
        }
        if ($chunk !== []) {
            yield $chunk;
        }
    }

    public static function isList(array $array): bool
    {
        if (array_values($array) === $array) { // most lists: this gives the same array, however long it is
            return true;
        }
        $next = 0; // NAN is not even itself
        foreach ($array as $key => $item) {
            if ($key !== $next++) {
                return false;
            }
        }
        return true;
    }
}
