<?php

namespace Transmit;

/**
 * A profile is refused: encoding takes too long or too much memory, or is not possible.
 */
final class Refused extends \Exception
{
    /** @param int $result a Result */
    public function __construct(int $result, string $why)
    {
        parent::__construct($why, $result);
    }

    public static function forMemory(int $bytes): self
    {
        return new self(Result::ETOOBIG, "memory_limit leaves no more than $bytes bytes for its JSON");
    }
}
