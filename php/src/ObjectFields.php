<?php

namespace Transmit;

/**
 * Returns the public properties of an object, which json_encode writes. It calls no method of the object.
 */
final class ObjectFields
{
    /** An stdClass with more fields is not cast to an array: PHP copies it then if a name is a number. */
    private const MANY = 100000;

    /**
     * PHP gives properties that are not public a name that begins with a NUL byte: check isPublic().
     *
     * @return array|\stdClass to iterate with foreach
     * @throws Refused
     */
    public static function of(object $object)
    {
        if ($object instanceof \Closure) {
            return []; // a cast would put the closure itself into an array
        }
        if ($object instanceof \stdClass && !$object instanceof \Traversable) { // foreach would call its methods
            $left = self::MANY;
            foreach ($object as $field) {
                if (--$left < 0) {
                    return $object;
                }
            }
        } elseif ($object instanceof \ArrayObject || $object instanceof \ArrayIterator) {
            $class = $object instanceof \ArrayObject ? 'ArrayObject' : 'ArrayIterator';
            $count = new \ReflectionMethod($class, 'count'); // a derived class may have another
            if ($count->invoke($object) > self::MANY) {
                throw new Refused(Result::ETOOBIG, "an $class in it has too many items to copy");
            }
        }
        return (array) $object;
    }

    /** @param int|string $name a key from foreach */
    public static function isPublic($name): bool
    {
        return ($name[0] ?? '') !== "\0";
    }
}
