<?php

namespace Demo;

/**
 * A table with totals and a bar chart, as text.
 */
final class Report
{
    private const BAR = 40;

    /** @var list<array<string, float>> */
    private array $rows;

    /** @param list<array<string, float>> $rows */
    public function __construct(array $rows)
    {
        $this->rows = $rows;
    }

    public function render(string $title, string $charted): string
    {
        return implode("\n", array_merge(
            [$title, str_repeat('=', strlen($title)), $this->line(array_keys($this->rows[0]))],
            array_map([$this, 'row'], $this->rows),
            [$this->row($this->totals()), ''],
            $this->chart($charted)
        )) . "\n";
    }

    /** @param array<string, float> $row */
    private function row(array $row): string
    {
        return $this->line(array_map([$this, 'money'], $row));
    }

    private function money(float $value): string
    {
        return number_format($value, 2, '.', ' ');
    }

    /** @param array<string> $cells */
    private function line(array $cells): string
    {
        return implode(' |', array_map([$this, 'cell'], $cells));
    }

    private function cell(string $text): string
    {
        return str_pad($text, 14, ' ', STR_PAD_LEFT);
    }

    /** @return array<string, float> */
    private function totals(): array
    {
        $totals = [];
        foreach (array_keys($this->rows[0]) as $name) {
            $totals[$name] = array_sum(array_column($this->rows, $name));
        }
        return $totals;
    }

    /** @return list<string> */
    private function chart(string $name): array
    {
        $values = array_column($this->rows, $name);
        $most = max(1.0, max(array_map('abs', $values)));
        return array_map(function (float $value) use ($most): string {
            return $this->bar((int) round(abs($value) / $most * self::BAR), $value < 0 ? '-' : '#');
        }, $values);
    }

    private function bar(int $length, string $mark): string
    {
        return str_repeat($mark, $length);
    }
}
