<?php

namespace Transmit\Test;

use PHPUnit\Framework\TestCase;
use Transmit\Deadline;
use Transmit\Encoder;
use Transmit\SizeBound;

final class EncoderTest extends TestCase
{
    private const FLAGS = JSON_UNESCAPED_SLASHES | JSON_PARTIAL_OUTPUT_ON_ERROR | JSON_INVALID_UTF8_SUBSTITUTE;

    /** @return iterable<string, array{array}> */
    public function values(): iterable
    {
        $big = str_repeat('0123456789', 150000);
        yield 'small' => [['a' => 1, 'b' => [true, null, 1.5, "\xff/"]]];
        yield 'a large string' => [['s' => $big]];
        yield 'two-byte characters' => [['s' => 'x' . str_repeat('é', 600000)]];
        yield 'four-byte characters' => [['s' => 'xy' . str_repeat('😀', 300000)]];
        yield 'continuation bytes only' => [['s' => str_repeat("\x80", 1100000)]];
        yield 'cut sequences' => [['s' => str_repeat("\xf0\x9f\x98", 400000)]];
        yield 'a long list' => [['l' => array_fill(0, 60000, ['sql' => 'select 1 /* x */', 'time_ms' => 0.1])]];
        $keys = array_map('dechex', range(1 << 20, (1 << 20) + 69999));
        yield 'a long map' => [['m' => array_fill_keys($keys, 'é/"')]];
        yield 'a numbered map' => [['m' => array_combine(range(1, 100000), array_fill(0, 100000, 'x"yz012345'))]];
        yield 'a map that begins like a list' => [['m' => array_fill(0, 64, str_repeat('x', 30000)) + ['k' => 1]]];
        yield 'a map whose first chunk is like a list' => [['m' => array_fill(0, 64, 'x') + ['k' => $big]]];
        $rows = array_fill(0, 20, ['s' => 'x/"', 'n' => 1, 0 => 'y']);
        yield 'rows of one form' => [['rows' => $rows]];
        yield 'rows without slack' => [['rows' => array_fill(0, 20, ['s' => '', 'n' => 1])]];
        yield 'rows of other types' => [['rows' => array_merge($rows, [['s' => [], 'n' => '', 0 => (object) []]])]];
        yield 'rows of other names' => [['rows' => array_merge($rows, [['t' => NAN, 'o' => null, 1 => true]])]];
        yield 'rows of other lengths' => [['rows' => array_merge($rows, [['s' => 1], ['s' => 1, 'n' => [2, 3], 4]])]];
        yield 'rows of nothing' => [['rows' => array_fill(0, 20, [])]];
        yield 'lists in lists' => [[[[$big], [[$big, [], (object) []]]], 'x' => NAN]];
    }

    /** @dataProvider values */
    public function testInPiecesAsInOne(array $value): void
    {
        self::assertTrue(json_encode($value, self::FLAGS) === Encoder::encodeUntil($value, self::inSeconds(20)));
    }

    public function testTimeIsUpForABigValueOnly(): void
    {
        $past = Deadline::after(hrtime(true), 0);
        self::assertNull(Encoder::encodeUntil([str_repeat('x', 2000000)], $past));
        self::assertSame('["x"]', Encoder::encodeUntil(['x'], $past));
    }

    /** @dataProvider values */
    public function testTheBoundIsNeverMoreThanTheSize(array $value): void
    {
        $size = strlen(json_encode($value, self::FLAGS));
        self::assertFalse(SizeBound::exceeds($value, $size));
    }

    public function testTheBoundIsCloseForPlainText(): void
    {
        $value = ['queries' => array_fill(0, 100, ['sql' => 'select'])];
        $size = strlen(json_encode($value, self::FLAGS));
        self::assertTrue(SizeBound::exceeds($value, intdiv($size * 9, 10)));
    }

    public function testAnArrayInItselfIsSmall(): void
    {
        $value = ['text' => str_repeat('x', 100)];
        $value['self'] = &$value;
        self::assertFalse(SizeBound::exceeds($value, strlen(json_encode($value, self::FLAGS))));
    }

    /** @return iterable<string, array{array, bool}> whether it has more than 65,507 bytes, about */
    public function sizes(): iterable
    {
        $row = ['sql' => 'select 1', 'time_ms' => 0.5];
        $rows = array_fill(0, 100, $row);
        $big = str_repeat('x', 70000);
        $numbered = array_fill_keys(array_map('dechex', range(0xa000, 0xafff)), 1);
        yield 'a hundred rows' => [['sql' => ['queries' => $rows]], false];
        yield 'one row of them is large' => [['sql' => ['queries' => [57 => [$big]] + $rows]], true];
        yield 'a large string where others have a number' => [['l' => [57 => ['time_ms' => $big]] + $rows], true];
        yield 'one string, many times' => [['l' => array_fill(0, 1000, ['s' => str_repeat('x', 100)])], true];
        yield 'many numbers' => [['l' => range(1, 10000)], true];
        yield 'a large string at the top' => [[$big], true];
        yield 'a large key' => [[$big => 1], true];
        yield 'six levels down' => [[[[[[[$big]]]]]], true];
        yield 'rows with lists' => [['l' => array_fill(0, 100, ['sql' => 'select 1', 'p' => [1, 'x']])], false];
        yield 'rows by name' => [['l' => array_fill_keys(range('a', 'z'), $row)], false];
        yield 'yes, no, nothing' => [['l' => array_fill(0, 50, [true, false, null, []])], false];
        foreach (self::odd($big) as $name => $item) {
            yield "$name, by itself" => [['l' => [$item]], true];
            yield "$name, after other rows" => [['l' => array_merge($rows, [$item])], true];
            yield "$name, in a row" => [['l' => array_merge($rows, [$row + ['x' => $item]])], true];
            yield "$name, in a list in a row" => [['l' => array_merge($rows, [$row + ['x' => [1, [$item]]]])], true];
            yield "$name, beside text" => [['l' => array_merge($rows, ['text', null, $row + ['x' => [$item]]])], true];
        }
        yield 'a large name of a row' => [['l' => [$big => $row] + $rows], true];
        yield 'a long name in each row' => [['l' => array_fill(0, 100, [str_repeat('x', 1000) => 1])], true];
        yield 'more fields than the first row has' => [['l' => array_merge($rows, [range(1, 10000)])], true];
        yield 'more names than the first row has' => [['l' => array_merge($rows, [$numbered])], true];
        yield 'twenty levels down' => [json_decode(str_repeat('[', 20) . str_repeat(']', 20)), true];
    }

    /** @return array<string, mixed> what is large, or may be */
    private static function odd(string $big): array
    {
        return [
            'a text' => $big,
            'a list with it' => [$big],
            'a name' => [$big => 1],
            'many numbers' => range(1, 10000),
            'an object' => (object) ['x' => $big],
            'an object that says what it is' => new class implements \JsonSerializable {
                public function jsonSerialize(): int
                {
                    return 1;
                }
            },
        ];
    }

    /** @dataProvider sizes */
    public function testWhatIsLargeIsNotTakenForSmall(array $value, bool $isLarge): void
    {
        self::assertSame(!$isLarge, SizeBound::isSmall($value, 65507));
    }

    public function testOneTextInManyRowsIsNotSmall(): void
    {
        foreach ([0 => true, 70 => true, 500 => false, 1000000 => false] as $length => $isSmall) {
            $value = ['l' => array_fill(0, 1000, ['sql' => str_repeat('x', $length), 'more' => 1])];
            self::assertSame($isSmall, SizeBound::isSmall($value, Encoder::PIECE), "$length bytes");
        }
    }

    public function testAnIteratorAmongRowsIsNotRun(): void
    {
        $ran = false;
        $rows = array_fill(0, 100, ['sql' => 'select 1']);
        $rows[] = (static function () use (&$ran): \Generator {
            yield $ran = true;
        })();
        self::assertFalse(SizeBound::isSmall(['l' => $rows], Encoder::PIECE));
        self::assertFalse($ran);
    }

    public function testAnArrayInItselfIsNotSmall(): void
    {
        $value = ['text' => 'x'];
        $value['self'] = &$value;
        self::assertFalse(SizeBound::isSmall($value, Encoder::PIECE));
    }

    public function testAnArrayInItselfIsEncodedAsJsonEncodeDoes(): void
    {
        $value = ['text' => str_repeat('x', 300000)];
        $value['self'] = &$value;
        self::assertSame(json_encode($value, self::FLAGS), Encoder::encodeUntil($value, self::inSeconds(20)));
    }

    private static function inSeconds(int $seconds): Deadline
    {
        return Deadline::after(hrtime(true), $seconds * 1000000);
    }
}
