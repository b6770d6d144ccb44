<?php

namespace Fuzz;

/** Methods that json_encode does not call: each call is remembered. */
trait Watch
{
    public int $public = 1;
    protected int $protected = 2;

    /** @return mixed */
    private function told(string $method)
    {
        Watched::$called[] = static::class . "::$method";
        return null;
    }

    #[\ReturnTypeWillChange]
    public function offsetExists($key)
    {
        return $this->told(__FUNCTION__) === null;
    }

    #[\ReturnTypeWillChange]
    public function offsetGet($key)
    {
        return $this->told(__FUNCTION__);
    }

    #[\ReturnTypeWillChange]
    public function offsetSet($key, $value)
    {
        $this->told(__FUNCTION__);
    }

    #[\ReturnTypeWillChange]
    public function offsetUnset($key)
    {
        $this->told(__FUNCTION__);
    }

    #[\ReturnTypeWillChange]
    public function count()
    {
        return (int) $this->told(__FUNCTION__);
    }

    public function __get(string $name)
    {
        return $this->told(__FUNCTION__);
    }

    public function __isset(string $name): bool
    {
        return $this->told(__FUNCTION__) === null;
    }

    public function __call(string $name, array $arguments)
    {
        return $this->told(__FUNCTION__);
    }

    public function __toString(): string
    {
        return (string) $this->told(__FUNCTION__);
    }

    public function __clone()
    {
        $this->told(__FUNCTION__);
    }
}

class Watched implements \ArrayAccess, \Countable, \IteratorAggregate
{
    use Watch;

    /** @var list<string> */
    public static array $called = [];

    public function getIterator(): \Iterator
    {
        $this->told(__FUNCTION__);
        return new \EmptyIterator();
    }
}

final class WatchedIterator extends \IteratorIterator
{
    use Watch;

    public function rewind(): void
    {
        $this->told(__FUNCTION__);
    }

    public function valid(): bool
    {
        return $this->told(__FUNCTION__) !== null;
    }
}

final class WatchedArray extends \ArrayObject
{
    use Watch;

    public function getIterator(): \Iterator
    {
        $this->told(__FUNCTION__);
        return new \EmptyIterator();
    }
}

final class OfApplication extends \RuntimeException
{
}

/** What an application's object may give, and do meanwhile. */
final class Serializable extends Watched implements \JsonSerializable
{
    public const EXIT_STATUS = 3;

    public static int $calls = 0;

    /** @var mixed */
    public $shown;

    /** @var mixed */
    private $hidden;

    private string $act;

    /** @param mixed $value what it gives, or what is public in itself, which it gives */
    public function __construct($value, string $act = '', bool $givesItself = false)
    {
        $this->shown = $givesItself ? $value : null;
        $this->hidden = $givesItself ? $this : $value;
        $this->act = $act;
    }

    #[\ReturnTypeWillChange]
    public function jsonSerialize()
    {
        self::$calls++;
        switch ($this->act) {
            case 'throws':
                throw new OfApplication();
            case 'exits':
                exit(self::EXIT_STATUS);
            case 'suspends':
                \Fiber::suspend();
                break;
            case 'warns':
                trigger_error('of jsonSerialize()', E_USER_WARNING);
        }
        return $this->hidden;
    }
}
