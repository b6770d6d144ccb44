<?php

namespace Transmit\Test\Fuzz;

/**
 * What an application's object may give.
 */
final class Serializable implements \JsonSerializable
{
    /** @var mixed */
    private $value;

    public int $public = 1;
    protected int $protected = 2;

    /** @param mixed $value */
    public function __construct($value)
    {
        $this->value = $value;
    }

    #[\ReturnTypeWillChange]
    public function jsonSerialize()
    {
        return $this->value === 'self' ? $this : $this->value;
    }
}

/**
 * A random profile, by a seed.
 */
final class Value
{
    /** So much json_encode takes in an instant: what it gives is then known. */
    private const SMALL = 200000;

    public array $data;
    public string $recipe = '';

    /** Whether json_encode may be asked. */
    public bool $isSmall = true;

    /** Whether it must not arrive: nested too deep. */
    public bool $isRefused = false;

    public static function random(int $seed): self
    {
        mt_srand($seed);
        $self = new self();
        $fields = mt_rand(1, 6);
        $data = [];
        for ($i = 0; $i < $fields; $i++) {
            $data[self::name()] = $self->any(mt_rand(0, 6));
        }
        unset($data['_meta'], $data['sql'], $data['xhprof']);
        $self->data = $data;
        $left = self::SMALL;
        $depth = 0;
        $self->isSmall = self::measure($data, $left, 1, $depth);
        $self->isRefused = $self->isSmall && $depth > 512;
        if (mt_rand(0, 9) === 0) {
            $self->data['ring'] = $self->ring();
        }
        return $self;
    }

    /** @return mixed */
    private function any(int $levels)
    {
        $kinds = ['scalar', 'scalar', 'text', 'text'];
        if ($levels > 0) {
            array_push($kinds, 'items', 'items', 'items', 'rows', 'object', 'serializable', 'shared', 'doubled');
            array_push($kinds, 'odd', 'nested', 'reference', 'many');
        }
        $kind = $kinds[mt_rand(0, count($kinds) - 1)];
        $this->recipe .= " $kind";
        return $this->$kind($levels - 1);
    }

    /** @return mixed */
    private function scalar()
    {
        $all = [0, 1, -1, PHP_INT_MAX, PHP_INT_MIN, 0.1, -0.0, 1e100, 1.5, NAN, INF, true, false, null, 1 / 3];
        return $all[mt_rand(0, count($all) - 1)];
    }

    private function text(): string
    {
        $parts = ['a', '"', '\\', '/', "\0", 'é', '😀', "\xff", "\xf0\x9f", "\x80", "\n", '<', '&', "\u{2028}"];
        $text = '';
        for ($i = mt_rand(0, 8); $i > 0; $i--) {
            $text .= $parts[mt_rand(0, count($parts) - 1)];
        }
        return mt_rand(0, 30) > 0 ? $text : str_repeat("x$text", mt_rand(1, 1 << mt_rand(1, 20)));
    }

    /** @return int|string */
    private static function name()
    {
        $names = [0, 1, 2, 7, -1, '', 'a', 'b', 'id', "\0a", "\0*\0b", "\0", 'é', "\xff", '00', '1.5', 'a"b', 'c'];
        return $names[mt_rand(0, count($names) - 1)];
    }

    private function items(int $levels): array
    {
        $items = [];
        $isList = mt_rand(0, 1) === 1;
        for ($i = mt_rand(0, 12); $i > 0; $i--) {
            if ($isList) {
                $items[] = $this->any($levels);
            } else {
                $items[self::name()] = $this->any($levels);
            }
        }
        return $items;
    }

    private function rows(int $levels): array
    {
        $row = $this->items(min(1, $levels));
        $rows = array_fill(mt_rand(0, 3) === 0 ? 5 : 0, 1 << mt_rand(0, 14), $row);
        if (mt_rand(0, 2) === 0) {
            $rows[mt_rand(0, count($rows))] = $this->any($levels);
        }
        if (mt_rand(0, 3) === 0) {
            $rows['last'] = $this->any($levels);
        }
        return $rows;
    }

    private function object(int $levels): \stdClass
    {
        return (object) (mt_rand(0, 3) === 0 ? $this->rows($levels) : $this->items($levels));
    }

    private function serializable(int $levels): Serializable
    {
        return new Serializable(mt_rand(0, 5) === 0 ? 'self' : $this->any($levels));
    }

    private function shared(int $levels): array
    {
        $value = $this->any($levels);
        return array_fill(0, 1 << mt_rand(1, 17), ['n' => 1, 's' => $value]);
    }

    /** @return mixed */
    private function doubled(int $levels)
    {
        $value = $this->any($levels);
        $isObject = mt_rand(0, 3) === 0;
        for ($i = mt_rand(1, 30); $i > 0; $i--) {
            $value = $isObject ? (object) ['a' => $value, 'b' => $value] : [$value, $value];
        }
        return $value;
    }

    /** @return mixed */
    private function odd()
    {
        $all = [
            new \DateTime('2020-01-01'), new \ArrayObject(['a' => [1, 2]]), stream_context_create(),
            static function (): void {
            }, new \stdClass(), [], [[]], new \SplStack(), new \ArrayIterator([1]),
        ];
        return $all[mt_rand(0, count($all) - 1)];
    }

    /** @return mixed */
    private function nested(int $levels)
    {
        $value = $this->any($levels);
        for ($i = [3, 30, 40, 400, 505, 511, 512, 600][mt_rand(0, 7)]; $i > 0; $i--) {
            $value = mt_rand(0, 9) === 0 ? (object) ['o' => $value] : ['m' => $value];
        }
        return $value;
    }

    private function reference(int $levels): array
    {
        $value = $this->any($levels);
        return ['one' => &$value, 'two' => &$value, 'three' => [&$value]];
    }

    /** What is in it is a piece: null is written where json_encode does it. */
    private function ring(): array
    {
        $ring = ['x' => $this->scalar()];
        $ring['self'] = &$ring;
        $ring['again'] = mt_rand(0, 1) === 0 ? [1, &$ring] : 2;
        $object = new \stdClass();
        $object->self = [$object, mt_rand(0, 1) === 0 ? $ring : null];
        return [$ring, $object];
    }

    private function many(): array
    {
        $count = 1 << mt_rand(5, 20);
        switch (mt_rand(0, 3)) {
            case 0:
                return range(1, $count);
            case 1:
                return array_fill(3, $count, 1.5);
            case 2:
                return array_fill_keys(array_map('dechex', range(1, min($count, 100000))), null);
        }
        return array_fill(0, $count, str_repeat('x', mt_rand(0, 200)));
    }

    /**
     * @param mixed $value
     * @return bool false: there is more than was looked at
     */
    private static function measure($value, int &$left, int $level, int &$depth): bool
    {
        $left--;
        if (is_string($value)) {
            $left -= intdiv(strlen($value), 8);
        }
        if ($value instanceof Serializable && $value->jsonSerialize() !== $value) {
            return self::measure($value->jsonSerialize(), $left, $level, $depth);
        }
        if (is_array($value) || is_object($value)) {
            $depth = max($depth, $level);
        }
        $isOpen = $value instanceof \stdClass || $value instanceof \ArrayObject || $value instanceof \ArrayIterator;
        if (!is_array($value) && !$isOpen) {
            return $left > 0;
        }
        foreach ((array) $value as $name => $item) {
            if (is_object($value) && strncmp((string) $name, "\0", 1) === 0) {
                continue; // json_encode takes it for private
            }
            if ($left <= 0 || $level > 700 || !self::measure($item, $left, $level + 1, $depth)) {
                return false;
            }
        }
        return true;
    }
}
