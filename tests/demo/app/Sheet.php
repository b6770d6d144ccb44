<?php

namespace Demo;

/**
 * A business plan: formulas that refer to each other, worked out month by month.
 */
final class Sheet
{
    /** @var array<string, array> by name: the tree */
    private array $trees = [];

    /** @var array<string, float> */
    private array $start;

    /**
     * @param array<string, string> $formulas by name
     * @param array<string, float>  $start    the numbers of the month before the first
     */
    public function __construct(array $formulas, array $start)
    {
        foreach ($formulas as $name => $formula) {
            $this->trees[$name] = Parser::parse($formula);
        }
        $this->start = $start;
    }

    /** @return list<array<string, float>> one row a month; last_x is x of the month before */
    public function months(int $count): array
    {
        $rows = [];
        $last = $this->start;
        for ($month = 1; $month <= $count; $month++) {
            $last = $this->month($month, $last);
            $rows[] = $last;
        }
        return $rows;
    }

    /** @param array<string, float> $last */
    private function month(int $month, array $last): array
    {
        $names = $this->trees;
        foreach ($last as $name => $value) {
            $names["last_$name"] = $value;
        }
        $evaluator = (new Evaluator($names))->with('month', $month);
        return array_map([$evaluator, 'value'], $this->trees);
    }
}
