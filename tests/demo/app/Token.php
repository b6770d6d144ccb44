<?php

namespace Demo;

/**
 * One word of a formula.
 */
final class Token
{
    public string $kind;
    public string $text;

    public function __construct(string $kind, string $text)
    {
        $this->kind = $kind;
        $this->text = $text;
    }

    public function isOperator(string $operators): bool
    {
        return $this->kind === 'operator' && strpos($operators, $this->text) !== false;
    }
}
