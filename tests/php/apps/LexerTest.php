<?php

spl_autoload_register(static function (string $class): void {
    $path = dirname(__DIR__, 2) . '/demo/app/' . substr($class, strlen('Demo\\')) . '.php';
    if (strncmp($class, 'Demo\\', 5) === 0 && is_file($path)) {
        require $path;
    }
});

/**
 * A small suite of which one test fails: what PHPUnit says of it is the same with the profiler and without.
 */
final class LexerTest extends PHPUnit\Framework\TestCase
{
    /** @return array<string, array{string, float}> */
    public function formulas(): array
    {
        return ['a sum' => ['1 + 2', 3.0], 'a product first' => ['1 + 2 * 3', 7.0], 'wrong' => ['2 ^ 3', 9.0]];
    }

    /** @dataProvider formulas */
    public function testValue(string $formula, float $want): void
    {
        $sheet = new Demo\Sheet(['a' => $formula], ['a' => 0.0]);
        $months = $sheet->months(1);
        self::assertSame($want, end($months)['a']);
    }

    public function testWarningIsAnError(): void
    {
        $this->expectWarning();
        trigger_error('look', E_USER_WARNING);
    }
}
