<?php

namespace Demo;

/**
 * Makes a tree of a formula: [operator, operand, …]. The rules, weakest operator first:
 *
 *     choice  = sum [("<" | ">") sum] ["?" choice ":" choice]
 *     sum     = product {("+" | "-") product}
 *     product = power {("*" | "/") power}
 *     power   = ["-"] atom ["^" power]
 *     atom    = number | name | name "(" choice {"," choice} ")" | "(" choice ")"
 */
final class Parser
{
    /** @var list<Token> */
    private array $tokens;
    private int $position = 0;

    public static function parse(string $formula): array
    {
        $parser = new self();
        $parser->tokens = (new Lexer($formula))->tokens();
        $tree = $parser->choice();
        if ($parser->peek()->kind !== 'end') {
            throw new \InvalidArgumentException("what is '{$parser->peek()->text}' doing in $formula?");
        }
        return $tree;
    }

    private function choice(): array
    {
        $tree = $this->sum();
        if ($this->peek()->isOperator('<>')) {
            $tree = [$this->take()->text, $tree, $this->sum()];
        }
        if (!$this->skip('?')) {
            return $tree;
        }
        $then = $this->choice();
        $this->expect(':');
        return ['?', $tree, $then, $this->choice()];
    }

    private function sum(): array
    {
        $tree = $this->product();
        while ($this->peek()->isOperator('+-')) {
            $tree = [$this->take()->text, $tree, $this->product()];
        }
        return $tree;
    }

    private function product(): array
    {
        $tree = $this->power();
        while ($this->peek()->isOperator('*/')) {
            $tree = [$this->take()->text, $tree, $this->power()];
        }
        return $tree;
    }

    private function power(): array
    {
        if ($this->skip('-')) {
            return ['-', ['number', 0.0], $this->power()];
        }
        $base = $this->atom();
        return $this->skip('^') ? ['^', $base, $this->power()] : $base;
    }

    private function atom(): array
    {
        $token = $this->take();
        if ($token->kind === 'number') {
            return ['number', (float) $token->text];
        }
        if ($token->kind === 'name') {
            return $this->skip('(') ? ['call', $token->text, $this->arguments()] : ['name', $token->text];
        }
        if (!$token->isOperator('(')) {
            throw new \InvalidArgumentException("a number, a name or ( is wanted, not '{$token->text}'");
        }
        $tree = $this->choice();
        $this->expect(')');
        return $tree;
    }

    /** @return list<array> */
    private function arguments(): array
    {
        $arguments = [];
        do {
            $arguments[] = $this->choice();
        } while ($this->skip(','));
        $this->expect(')');
        return $arguments;
    }

    private function peek(): Token
    {
        return $this->tokens[$this->position];
    }

    private function take(): Token
    {
        return $this->tokens[$this->position++];
    }

    private function skip(string $operator): bool
    {
        $isThere = $this->peek()->isOperator($operator);
        $this->position += (int) $isThere;
        return $isThere;
    }

    private function expect(string $operator): void
    {
        if (!$this->skip($operator)) {
            throw new \InvalidArgumentException("$operator is wanted, not '{$this->peek()->text}'");
        }
    }
}
