<?php

namespace Demo;

/**
 * Cuts a formula into tokens: numbers, names, operators.
 */
final class Lexer
{
    private const TOKEN = '~\s*(?:(?<number>\d+(?:\.\d+)?)|(?<name>[a-z_]\w*)|(?<operator>[-+*/^(),<>?:]))~A';

    private string $text;
    private int $offset = 0;

    public function __construct(string $text)
    {
        $this->text = rtrim($text);
    }

    /** @return list<Token> */
    public function tokens(): array
    {
        $tokens = [];
        while ($this->offset < strlen($this->text)) {
            $tokens[] = $this->next();
        }
        $tokens[] = new Token('end', '');
        return $tokens;
    }

    private function next(): Token
    {
        if (preg_match(self::TOKEN, $this->text, $match, PREG_UNMATCHED_AS_NULL, $this->offset) !== 1) {
            throw new \InvalidArgumentException("no formula at {$this->offset}: {$this->text}");
        }
        $this->offset += strlen($match[0]);
        return $this->token($match);
    }

    /** @param array<string|null> $match */
    private function token(array $match): Token
    {
        foreach (['number', 'name', 'operator'] as $kind) {
            if ($match[$kind] !== null) {
                return new Token($kind, $match[$kind]);
            }
        }
        throw new \LogicException('a token of no kind');
    }
}
