<?php

namespace Transmit\Test;

use PHPUnit\Framework\TestCase;
use Transmit\Deadline;
use Transmit\Encoder;
use Transmit\Serialized;

/**
 * Values that json_encode encodes in a few milliseconds. If each level is checked again, the Encoder takes hundreds.
 */
final class EncoderTimeTest extends TestCase
{
    /** On an idle machine, each takes 10 to 80 ms. */
    private const LIMIT_MS = 200;

    /** @return iterable<string, array{\Closure(): mixed}> */
    public function values(): iterable
    {
        foreach ($this->nests() + $this->shares() + $this->objects() as $name => $make) {
            yield $name => [$make];
        }
    }

    /** @return array<string, \Closure(): mixed> */
    private function nests(): array
    {
        $rows = static function (int $rows, int $levels, string $kind): \Closure {
            return static function () use ($rows, $levels, $kind): array {
                return self::nest(5, 'map', array_fill(0, $rows, [1, self::nest($levels, $kind, 1)]));
            };
        };
        return [
            '200 rows of 500 levels' => $rows(200, 500, 'map'),
            '250 rows of 500 lists' => $rows(250, 500, 'list'),
            '2500 rows of 36 levels' => $rows(2500, 36, 'map'),
            '4000 rows of 25 levels' => $rows(4000, 25, 'map'),
            '3000 rows of 20 references' => $rows(3000, 20, 'reference'),
            'rows with the name 0' => static function (): array {
                return self::nest(4, 'map', array_fill(0, 4000, [0 => self::nest(30, 'map', 1), 'x' => 2]));
            },
            'deep objects' => static function (): array {
                return array_fill(0, 100, self::nest(400, 'object', 1));
            },
            'objects in objects' => static function (): object {
                return self::nest(20, 'object', array_fill(0, 500, self::nest(100, 'object', 1)));
            },
            'deep and wide' => static function (): array {
                return array_fill(0, 3, self::nest(400, 'wide', 1));
            },
        ];
    }

    /** @return array<string, \Closure(): mixed> */
    private function shares(): array
    {
        return [
            'deep maps, doubled' => static function (): array {
                return self::nest(7, 'doubled', self::nest(450, 'map', 1));
            },
            'deep objects, doubled' => static function (): array {
                return self::nest(7, 'doubled', self::nest(300, 'object', 1));
            },
            'children with a reference to their parent' => static function (): array {
                $parent = ['name' => range(1, 3000), 'children' => []];
                for ($i = 0; $i < 3000; $i++) {
                    $parent['children'][] = ['id' => $i, 'parent' => &$parent];
                }
                return ['p' => &$parent];
            },
            'children that have their parent of many fields' => static function (): object {
                $parent = (object) array_fill_keys(array_map('dechex', range(1, 30000)), 1);
                $parent->children = [];
                for ($i = 0; $i < 3000; $i++) {
                    $parent->children[] = (object) ['id' => $i, 'parent' => $parent];
                }
                return $parent;
            },
        ];
    }

    /** @return array<string, \Closure(): mixed> */
    private function objects(): array
    {
        $serializable = new class implements \JsonSerializable {
            public function jsonSerialize(): array
            {
                return [1];
            }
        };
        return [
            'closures' => static function (): array {
                return array_fill(0, 10000, static function (): void {
                });
            },
            'one that serializes itself, far down in many' => static function () use ($serializable): array {
                return array_fill(0, 50, self::nest(400, 'map', $serializable));
            },
            'one that serializes itself, beside what is deep' => static function () use ($serializable): array {
                for ($value = $serializable, $deep = self::nest(400, 'map', 1), $i = 0; $i < 100; $i++) {
                    $value = [$value, $deep];
                }
                return $value;
            },
            'large private properties' => static function (): array {
                $all = array_fill(0, 1500, [[1]]);
                for ($objects = [], $i = 0; $i < 3000; $i++) {
                    $objects[] = new class ($all) {
                        public int $id = 1;
                        private array $all;

                        public function __construct(array $all)
                        {
                            $this->all = $all;
                        }
                    };
                }
                return $objects;
            },
        ];
    }

    /**
     * @param mixed $value
     * @return mixed
     */
    private static function nest(int $levels, string $kind, $value)
    {
        for ($i = 0; $i < $levels; $i++) {
            $inner = $value;
            unset($value);
            switch ($kind) {
                case 'list':
                    $value = [$inner];
                    break;
                case 'wide':
                    $value = [range(1, 50), $inner];
                    break;
                case 'doubled':
                    $value = [$inner, $inner];
                    break;
                case 'reference':
                    $value = ['x' => &$inner];
                    break;
                default:
                    $value = $kind === 'object' ? (object) ['x' => $inner] : ['x' => $inner];
            }
            unset($inner);
        }
        return $value;
    }

    /** @dataProvider values */
    public function testItTakesFewTimesAsLongAsJsonEncode(\Closure $make): void
    {
        $value = ['a' => $make()];
        $until = Deadline::after(hrtime(true), 20000000);
        $start = self::cpuMs();
        $json = Encoder::profile($value, [], [], $until, 1 << 26, new Serialized());
        self::assertLessThan(self::LIMIT_MS, self::cpuMs() - $start);
        self::assertTrue($json === json_encode($value + ['_meta' => []], Encoder::FLAGS));
    }

    private static function cpuMs(): float
    {
        $used = getrusage();
        return $used['ru_utime.tv_sec'] * 1e3 + $used['ru_utime.tv_usec'] / 1e3;
    }
}
