<?php

/**
 * A page whose own class has the name of the one that preloaded functions call. Is anything of it freed while a
 * preloaded function runs? What PHP calls at its end would have the right to FFI.
 */

namespace Transmit;

final class Freed
{
    /** @var array<string, int> by the function that ran then */
    public static array $where = [];

    public function __destruct()
    {
        $function = debug_backtrace()[1]['function'] ?? 'the page';
        self::$where[$function] = (self::$where[$function] ?? 0) + 1;
    }
}

final class Functions
{
    public static bool $isThrowing = false;

    public static function __callStatic(string $name, array $arguments)
    {
        return self::result();
    }

    private static function result(): Freed
    {
        $local = new Freed();
        if (self::$isThrowing) {
            throw new class (new Freed()) extends \Exception {
                public $own;

                public function __construct(Freed $own)
                {
                    parent::__construct('own');
                    $this->own = $own;
                }
            };
        }
        return new Freed();
    }
}

$functions = array_filter(get_defined_functions()['user'], static function (string $name): bool {
    return strpos((new \ReflectionFunction($name))->getFileName(), 'Preloaded') !== false;
});
echo count($functions), "\n";
foreach ([false, true] as Functions::$isThrowing) {
    foreach ($functions as $function) {
        $first = (new \ReflectionFunction($function))->getParameters()[0] ?? null;
        $type = $first === null || $first->getType() === null ? '' : $first->getType()->getName();
        $argument = $type === 'array' ? [new Freed()] : ($type === 'int' ? 1 : '{}');
        try {
            $function($argument, $type === 'int' ? 1 : '/s');
        } catch (\Exception $e) {
            unset($e);
        }
    }
}
unset($argument);
foreach (Freed::$where as $function => $times) {
    echo in_array($function, $functions, true) ? 'freed in' : 'freed elsewhere:', " $function, $times\n";
}
