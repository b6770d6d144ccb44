<?php

namespace Transmit\Doctor;

/**
 * The result of one check: its state, a text, and what to do about it.
 */
final class Finding
{
    /** Nothing is wrong. */
    public const OK = 'ok';

    /** Profiles arrive, but slower than they could, or not in every case. */
    public const WARN = 'warn';

    /** No profile arrives at the listener. */
    public const FAIL = 'fail';

    public string $name;
    public string $state;
    public string $text;

    /** What to do, as a sentence; "": nothing. */
    public string $remedy;

    private function __construct(string $name, string $state, string $text, string $remedy)
    {
        $this->name = $name;
        $this->state = $state;
        $this->text = $text;
        $this->remedy = $remedy;
    }

    public static function ok(string $name, string $text): self
    {
        return new self($name, self::OK, $text, '');
    }

    public static function warn(string $name, string $text, string $remedy): self
    {
        return new self($name, self::WARN, $text, $remedy);
    }

    public static function fail(string $name, string $text, string $remedy): self
    {
        return new self($name, self::FAIL, $text, $remedy);
    }
}
