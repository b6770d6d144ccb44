<?php

namespace Transmit\Test;

use PHPUnit\Framework\TestCase;
use Transmit\Deadline;
use Transmit\Encoder;
use Transmit\Piece;
use Transmit\Refused;
use Transmit\Result;
use Transmit\Serialized;

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
        yield 'sequences that are not valid' => [['s' => self::bytes(3000000)]];
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
        $odd = ["\0a" => 1, "\0*\0b" => $big, '' => 2];
        yield 'names that begin with NUL' => [['m' => $odd + array_fill(0, 70, $rows)]];
        yield 'numbered objects' => [['o' => (object) array_fill(0, 5000, (object) ['x' => 1, '5' => [], '' => null])]];
        $storage = array_fill(0, 3000, new \ArrayObject(['a' => 1]));
        yield 'objects of a class' => [['o' => $storage, 'd' => new \DateTime()]];
        yield 'lists in lists' => [[[[$big], [[$big, [], (object) []]]], 'x' => NAN]];
    }

    /** Random bytes, the same in each run, of which each begins, continues or breaks a sequence. */
    private static function bytes(int $length): string
    {
        $bytes = "a\x80\xbf\xc0\xc2\xe0\xe2\xed\xf0\xf4\xf5\xff";
        for ($text = '', $random = 1; strlen($text) < $length; $random = $random * 48271 % 0x7fffffff) {
            $text .= $bytes[$random % 12];
        }
        return $text;
    }

    /** @dataProvider values */
    public function testInPiecesAsInOne(array $value): void
    {
        self::assertTrue(json_encode($value + ['_meta' => []], self::FLAGS) === self::encode($value));
    }

    public function testTimeIsUpForABigValueOnly(): void
    {
        $past = Deadline::after(hrtime(true), 0);
        self::assertSame('{"a":"x","_meta":[]}', self::encode(['a' => 'x'], $past));
        self::assertRefused(Result::ETIMEDOUT, [str_repeat('x', 2000000)], $past);
    }

    public function testTheLimitIsExact(): void
    {
        $json = self::encode(['a' => str_repeat('x', 1000)]);
        self::assertSame($json, self::encode(['a' => str_repeat('x', 1000)], null, strlen($json)));
        self::assertRefused(Result::ETOOBIG, ['a' => str_repeat('x', 1000)], null, strlen($json) - 2);
    }

    /** @return iterable<string, array{int, callable(mixed): mixed}> */
    public function nests(): iterable
    {
        $kinds = [
            'lists' => static function ($inner) {
                return [$inner];
            },
            'maps' => static function ($inner) {
                return ['x' => $inner];
            },
            'objects' => static function ($inner) {
                return (object) ['x' => $inner];
            },
            'wide lists' => static function ($inner) {
                return [str_repeat('x', 40000), $inner, str_repeat('x', 40000)];
            },
        ];
        foreach ($kinds as $name => $wrap) {
            yield "$name, 510" => [510, $wrap, true];
            yield "$name, 511" => [511, $wrap, true];
            yield "$name, 512" => [512, $wrap, false];
            yield "$name, 600" => [600, $wrap, false];
        }
    }

    /** @dataProvider nests */
    public function testNestingOf512IsTheMost(int $levels, callable $wrap, bool $isEncoded): void
    {
        $value = 1;
        for ($i = 0; $i < $levels; $i++) {
            $value = $wrap($value);
        }
        if ($isEncoded) {
            $want = json_encode(['a' => $value, '_meta' => []], self::FLAGS);
            self::assertTrue($want === self::encode(['a' => $value]));
        } else {
            self::assertRefused(Result::EDEPTH, ['a' => $value]);
        }
    }

    /**
     * Nested as deeply as may be, it is looked at once, and not again on each level.
     *
     * @dataProvider nests
     */
    public function testADeepValueIsOnePiece(int $levels, callable $wrap, bool $isEncoded): void
    {
        $value = 1;
        for ($i = 0; $i < $levels; $i++) {
            $value = $wrap($value);
        }
        $size = (new Piece())->size($value, 511);
        $isSmall = $isEncoded && strlen((string) json_encode($value, 0, 600)) <= Piece::BYTES;
        self::assertSame($isSmall, $size >= 0, "its size: $size");
    }

    /** @return iterable<string, array{\Closure(): array}> closures: PHPUnit prints the data of a test that fails */
    public function sharing(): iterable
    {
        foreach (self::shared() as $name => $value) {
            yield $name => [static function () use ($value): array {
                return $value;
            }];
        }
    }

    /** @return iterable<string, array> */
    private static function shared(): iterable
    {
        $doubled = ['x'];
        for ($i = 0; $i < 30; $i++) {
            $doubled = [$doubled, $doubled];
        }
        $often = $doubled;
        $objects = (object) $doubled;
        for ($i = 0; $i < 400; $i++) {
            $often = [$often, $often];
            $objects = (object) ['a' => $objects, 'b' => $objects];
        }
        $object = (object) ['x' => str_repeat('x', 100)];
        for ($i = 0; $i < 30; $i++) {
            $object = (object) ['a' => $object, 'b' => $object];
        }
        $self = ['text' => str_repeat('x', 70000)];
        $self['self'] = &$self;
        $self['again'] = &$self;
        $ring = (object) ['rows' => array_fill(0, 100000, 1)];
        $ring->ring = [$ring, [$ring]];
        yield 'doubled 30 times' => ['d' => $doubled];
        yield 'doubled 430 times' => ['d' => $often];
        yield 'objects doubled 400 times' => ['d' => $objects];
        yield 'doubled, far down' => ['d' => [[[[[[[[$doubled]]]]]]]]];
        yield 'rows that share it' => ['rows' => array_fill(0, 100, ['f' => $doubled])];
        yield 'rows that share numbers' => ['rows' => array_fill(0, 100, ['all' => range(1, 1000000)])];
        yield 'four million numbers' => ['all' => range(1, 4000000)];
        yield 'objects doubled 30 times' => ['o' => $object];
        yield 'many empty ones' => ['e' => array_fill(0, 1000000, [[], [[]]])];
        yield 'it holds itself twice' => $self;
        yield 'an object that holds itself' => ['o' => $ring, 'd' => $doubled];
    }

    /** @dataProvider sharing */
    public function testItEndsInTime(\Closure $value): void
    {
        foreach ([0 => 15, 40000 => 50] as $timeUs => $withinMs) {
            $cpu = self::cpuMs();
            try {
                self::encode($value(), Deadline::after(hrtime(true), $timeUs));
            } catch (Refused $e) {
                self::assertContains($e->getCode(), [Result::ETIMEDOUT, Result::ETOOBIG]);
            }
            self::assertLessThan($withinMs, self::cpuMs() - $cpu);
        }
    }

    /** @return iterable<string, array{array}> what json_encode writes null for */
    public function recursive(): iterable
    {
        foreach (['small' => 10, 'large' => 300000] as $size => $bytes) {
            $byReference = ['text' => str_repeat('x', $bytes)];
            $byReference['self'] = &$byReference;
            yield "$size, by reference" => [$byReference];
            $object = (object) ['text' => str_repeat('x', $bytes)];
            $object->self = $object;
            $object->list = [1, $object];
            yield "$size, an object" => [['o' => $object]];
        }
        $held = ['text' => 'x'];
        $held['self'] = &$held;
        yield 'small, further down' => [['a' => ['b' => [$held, $held]]]];
        yield 'small, after larger ones' => [['a' => array_fill(0, 20, range(0, 5000)), 'b' => [$held]]];
    }

    /** @dataProvider recursive */
    public function testWhatHoldsItselfIsEncodedAsJsonEncodeDoes(array $value): void
    {
        self::assertSame(json_encode($value + ['_meta' => []], self::FLAGS), self::encode($value));
    }

    public function testNoIteratorIsRun(): void
    {
        $ran = false;
        $rows = array_fill(0, 10000, ['sql' => 'select 1']);
        $rows[] = (static function () use (&$ran): \Generator {
            yield $ran = true;
        })();
        self::assertStringEndsWith('{}],"_meta":[]}', self::encode(['l' => $rows]));
        self::assertFalse($ran);
    }

    public function testNoIteratorOfADerivedClassIsRun(): void
    {
        $object = new class extends \stdClass implements \IteratorAggregate {
            public int $calls = 0;

            public function getIterator(): \Traversable
            {
                $this->calls++;
                return new \ArrayIterator([]);
            }
        };
        $json = self::encode(['l' => array_fill(0, 10000, $object)]);
        self::assertSame(json_encode(['l' => array_fill(0, 10000, $object), '_meta' => []], self::FLAGS), $json);
        self::assertSame(0, $object->calls);
    }

    public function testJsonSerializeIsCalledOnceEach(): void
    {
        $object = new class implements \JsonSerializable {
            public int $calls = 0;

            #[\ReturnTypeWillChange]
            public function jsonSerialize()
            {
                $this->calls++;
                return ['x' => str_repeat('x', 100000)];
            }
        };
        $serialized = new Serialized();
        self::assertRefused(Result::ETOOBIG, ['o' => $object], null, 1000, $serialized);
        self::encode(['o' => $object], null, 1 << 26, $serialized);
        self::assertSame(1, $object->calls);
    }

    /** While it grows, the JSON may be there twice, beside a chunk that PHP takes for a piece. */
    public function testItsShareOfTheMemoryLeavesRoomForACopy(): void
    {
        foreach ([4, 5, 6, 7, 8, 16, 100] as $megabytes) {
            gc_mem_caches();
            $before = ini_set('memory_limit', (string) (memory_get_usage(true) + ($megabytes << 20)));
            $share = \Transmit\Memory::share();
            ini_set('memory_limit', $before);
            self::assertLessThanOrEqual($megabytes << 20, 2 * ($share + Piece::BYTES) + (2 << 20), "$megabytes MB");
            self::assertGreaterThan($megabytes << 17, $share);
        }
    }

    private static function assertRefused(
        int $result,
        array $value,
        ?Deadline $deadline = null,
        int $maxBytes = 1 << 26,
        ?Serialized $serialized = null
    ): void {
        try {
            self::encode($value, $deadline, $maxBytes, $serialized);
            self::fail('not refused');
        } catch (Refused $e) {
            self::assertSame($result, $e->getCode(), $e->getMessage());
        }
    }

    private static function encode(
        array $value,
        ?Deadline $deadline = null,
        int $maxBytes = 1 << 26,
        ?Serialized $serialized = null
    ): string {
        $deadline = $deadline ?? self::inSeconds(20);
        return Encoder::profile($value, [], [], $deadline, $maxBytes, $serialized ?? new Serialized());
    }

    private static function cpuMs(): float
    {
        $used = getrusage();
        return ($used['ru_utime.tv_sec'] + $used['ru_stime.tv_sec']) * 1e3
            + ($used['ru_utime.tv_usec'] + $used['ru_stime.tv_usec']) / 1e3;
    }

    private static function inSeconds(int $seconds): Deadline
    {
        return Deadline::after(hrtime(true), $seconds * 1000000);
    }
}
