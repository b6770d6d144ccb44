<?php

namespace Demo;

/**
 * Works out trees of Parser, with names that stand for numbers or for other formulas.
 */
final class Evaluator
{
    /** @var array<string, float|array> */
    private array $names;

    /** @param array<string, float|array> $names numbers, or trees */
    public function __construct(array $names)
    {
        $this->names = $names;
    }

    public function with(string $name, float $value): self
    {
        return new self([$name => $value] + $this->names);
    }

    public function value(array $tree): float
    {
        switch ($tree[0]) {
            case 'number':
                return $tree[1];
            case 'name':
                return $this->lookUp($tree[1]);
            case 'call':
                return $this->call($tree[1], array_map([$this, 'value'], $tree[2]));
            case '?':
                return $this->value($this->value($tree[1]) !== 0.0 ? $tree[2] : $tree[3]);
        }
        return $this->operate($tree[0], $this->value($tree[1]), $this->value($tree[2]));
    }

    private function lookUp(string $name): float
    {
        if (!isset($this->names[$name])) {
            throw new \OutOfBoundsException("nobody knows $name");
        }
        $value = $this->names[$name];
        return is_array($value) ? $this->value($value) : $value;
    }

    private function operate(string $operator, float $left, float $right): float
    {
        switch ($operator) {
            case '+':
                return $left + $right;
            case '-':
                return $left - $right;
            case '*':
                return $left * $right;
            case '/':
                return $right === 0.0 ? 0.0 : $left / $right;
            case '^':
                return $left ** $right;
        }
        return (float) ($operator === '<' ? $left < $right : $left > $right);
    }

    /** @param list<float> $arguments */
    private function call(string $function, array $arguments): float
    {
        switch ($function) {
            case 'min':
                return min($arguments);
            case 'max':
                return max($arguments);
            case 'sqrt':
                return sqrt(max(0.0, $arguments[0]));
            case 'wave':
                return sin($arguments[0] * 2 * M_PI / 12);
        }
        throw new \OutOfBoundsException("nobody knows $function()");
    }
}
