<?php

namespace Fuzz;

/**
 * Makes random values of all kinds.
 */
abstract class Maker
{
    private const PLAIN = [
        'items', 'items', 'rows', 'shared', 'doubled', 'nested', 'nested', 'reference', 'many', 'wide', 'texts',
    ];
    private const OBJECTS = ['object', 'serializable', 'acting', 'storage', 'ring', 'odds'];

    /** The kinds that were made. */
    public string $recipe = '';

    /** Of the value that was made last: how many items json_encode writes, about. */
    protected float $size = 0;

    /** @var array<string, array|\stdClass> */
    private static array $large = [];

    /** A third of the profiles have none: they go another way. */
    protected bool $hasObjects = true;

    /**
     * Makes a large value once, because that takes longer than to send it.
     *
     * @return array|\stdClass
     */
    protected static function once(string $name, \Closure $make)
    {
        return self::$large[$name] = self::$large[$name] ?? $make();
    }

    /** @return mixed */
    public static function oneOf(array $all)
    {
        return $all[mt_rand(0, count($all) - 1)];
    }

    /** A power of two, more often a small one. */
    protected static function power(int $most): int
    {
        return 1 << mt_rand(0, mt_rand(0, $most));
    }

    /** @return mixed */
    protected function make(string $kind, int $levels)
    {
        $this->recipe .= " $kind";
        $this->size = 1;
        return $this->$kind($levels);
    }

    /** @return mixed an array or an object */
    protected function composite(int $levels)
    {
        return $this->make(self::oneOf(array_merge(self::PLAIN, $this->hasObjects ? self::OBJECTS : [])), $levels);
    }

    /** @return mixed */
    private function any(int $levels)
    {
        if ($levels > 0 && mt_rand(0, 2) > 0) {
            return $this->composite($levels - 1);
        }
        return $this->make(self::oneOf(['scalar', 'text', $this->hasObjects ? 'odd' : 'text']), 0);
    }

    /** What was made last is there so many times. */
    private function times(int $count): int
    {
        $this->size = 1 + $count * (1 + $this->size);
        return $count;
    }

    /** @return mixed */
    protected function scalar()
    {
        return self::oneOf([0, 1, -1, PHP_INT_MAX, PHP_INT_MIN, 0.1, -0.0, 1e100, 1.5, NAN, INF, true, false, null]);
    }

    protected static function shortText(): string
    {
        $parts = ['a', '"', '\\', '/', "\0", 'é', '😀', "\xff", "\xf0\x9f", "\x80", "\n", '<', '&', "\u{2028}"];
        $text = '';
        for ($i = mt_rand(0, 8); $i > 0; $i--) {
            $text .= self::oneOf($parts);
        }
        return $text;
    }

    protected function text(): string
    {
        $text = self::shortText();
        $text = mt_rand(0, 5) > 0 ? $text : str_repeat("x$text", 1 << mt_rand(0, 18));
        $this->size = 1 + strlen($text) / 8;
        return $text;
    }

    /** @return int|string */
    protected static function name()
    {
        $names = [0, 1, 2, 7, -1, '', 'a', 'b', 'id', "\0a", "\0*\0b", "\0", 'é', "\xff", '00', '1.5', 'a"b', 'c'];
        return self::oneOf($names);
    }

    protected function items(int $levels): array
    {
        $items = [];
        $size = 1;
        $isList = mt_rand(0, 1) === 1;
        for ($i = mt_rand(0, 8); $i > 0; $i--) {
            $item = $this->any(mt_rand(0, $levels));
            $isList ? $items[] = $item : $items[self::name()] = $item;
            $size += $this->size;
        }
        $this->size = $size;
        return $items;
    }

    protected function rows(int $levels): array
    {
        $row = $this->items(min(1, $levels));
        $rows = array_fill(self::oneOf([0, 0, 5]), $this->times(self::power(15)), $row);
        $size = $this->size;
        $rows[self::oneOf([0, count($rows), 'last'])] = $this->any($levels);
        $this->size += $size;
        return $rows;
    }

    protected function shared(int $levels): array
    {
        $value = $this->any($levels);
        return array_fill(0, $this->times(self::power(17)), ['n' => 1, 's' => $value]);
    }

    /** @return mixed */
    protected function doubled(int $levels)
    {
        $value = $this->any($levels);
        $isObject = $this->hasObjects && mt_rand(0, 1) === 0;
        for ($i = mt_rand(1, 30); $i > 0; $i--) {
            $value = $isObject ? (object) ['a' => $value, 'b' => $value] : [$value, $value];
            $this->times(2);
        }
        return $value;
    }

    /** @return mixed */
    protected function nested(int $levels)
    {
        $value = $this->any($levels);
        $width = self::oneOf([0, 0, 0, 50]);
        $beside = $width > 0 ? ['w' => range(1, $width)] : [];
        for ($i = self::oneOf([3, 40, 400, 509, 510, 511, 512, 600]); $i > 0; $i--) {
            $value = $beside + ['m' => $value];
            $value = $this->hasObjects && mt_rand(0, 9) === 0 ? (object) $value : $value;
            $this->size += 1 + $width;
        }
        return mt_rand(0, 1) === 0 ? $value : array_fill(0, $this->times(mt_rand(1, 5)), $value);
    }

    protected function reference(int $levels): array
    {
        $value = $this->any($levels);
        $this->times(3);
        return ['one' => &$value, 'two' => &$value, 'three' => [&$value]];
    }

    /** Few rows, of which each has a long text. */
    protected function texts(): array
    {
        $text = str_repeat('x', 1 << mt_rand(12, 20));
        $this->size = strlen($text) / 8;
        return array_fill(0, $this->times(1 << mt_rand(0, 10)), ['sql' => $text]);
    }

    protected function many(): array
    {
        $kind = mt_rand(0, 3);
        $count = $this->times(mt_rand(0, 2) > 0 ? self::power(14) : 1 << self::oneOf([17, 20, $kind === 0 ? 22 : 20]));
        $this->size *= $kind === 3 ? 10 : 1;
        $make = static function () use ($kind, $count): array {
            return self::alike($kind, $count);
        };
        return $count < 1 << 17 ? $make() : self::once("$kind, $count", $make);
    }

    private static function alike(int $kind, int $count): array
    {
        switch ($kind) {
            case 0:
                return range(1, $count);
            case 1:
                return array_fill(3, $count, 1.5);
            case 2:
                return array_fill_keys(array_map('dechex', range(1, $count)), null);
        }
        return array_fill(0, $count, str_repeat('x', 100));
    }

    /** Arrays of about the size of a piece; what follows them is encoded after much that was no piece. */
    protected function wide(int $levels): array
    {
        $row = range(1, $this->times(self::oneOf([1000, 4000, 4200, 4200, 6000])));
        $all = array_fill(0, $this->times(mt_rand(1, 20)), $row);
        $size = $this->size;
        $all[] = $this->hasObjects && mt_rand(0, 1) === 0 ? $this->make('ring', 0) : $this->any($levels);
        $this->size += $size;
        return $all;
    }

    protected function object(int $levels): \stdClass
    {
        if (mt_rand(0, 2) === 0) {
            $this->size = 1 << 20;
            return self::once('object', static function (): \stdClass {
                return (object) range(1, 1 << 20);
            });
        }
        return (object) $this->make(self::oneOf(['items', 'items', 'rows']), $levels);
    }

    protected function serializable(int $levels): Serializable
    {
        return new Serializable($this->any($levels), '', mt_rand(0, 2) === 0);
    }

    protected function acting(int $levels): Serializable
    {
        $suspends = PHP_VERSION_ID < 80100 ? 'warns' : 'suspends'; // by a fiber
        $exits = PHP_VERSION_ID < 80000 ? 'throws' : 'exits'; // PHP 7.4 runs no destructor then
        $act = self::oneOf(['throws', 'throws', 'warns', 'warns', $exits, $suspends]);
        $this->recipe .= " $act";
        return new Serializable($this->any($levels), $act);
    }

    /** It is not small, if it has more items than the encoder would copy. */
    protected function storage(int $levels): object
    {
        $class = self::oneOf([\ArrayObject::class, \ArrayIterator::class, WatchedArray::class]);
        $items = $this->make(self::oneOf(['items', 'many']), $levels);
        $this->times(3);
        return new $class($items);
    }

    /** @return mixed */
    protected function odd()
    {
        $this->size = 8;
        return self::oneOf([
            new \DateTime('2020-01-01'), stream_context_create(), new \stdClass(), [], [[]], new \SplStack(),
            new Watched(), new WatchedIterator(new \ArrayIterator([1])),
            static function (): void {
            },
            (static function () {
                yield Watched::$called[] = 'Generator';
            })(),
        ]);
    }

    protected function odds(): array
    {
        $odd = $this->odd();
        $closure = static function (): void {
        };
        return array_fill(0, $this->times(1 << mt_rand(0, 14)), mt_rand(0, 2) === 0 ? $closure : $odd);
    }

    /**
     * An array and an object that are in themselves: null is written where json_encode does it. An array that is larger
     * than a piece, and is not met by reference first, would be written once more.
     */
    protected function ring(): array
    {
        $isLarge = mt_rand(0, 1) === 0;
        $ring = ['x' => $isLarge ? self::oneOf([str_repeat('x', 70000), range(1, 9000)]) : $this->scalar()];
        $ring['self'] = &$ring;
        $ring['again'] = mt_rand(0, 1) === 0 ? [1, &$ring] : 2;
        $object = new \stdClass();
        $this->size = $isLarge ? 50000 : 50;
        if ($isLarge) {
            $object->self = [$object, &$ring];
            return [&$ring, $object];
        }
        $object->self = [$object, mt_rand(0, 1) === 0 ? $ring : null];
        return [$ring, $object];
    }
}
