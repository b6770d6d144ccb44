<?php

namespace Transmit;

/**
 * The fields that json_encode writes of an object: its public properties. It calls no method of the object.
 */
final class ObjectFields
{
    /** One with more fields is not copied, which PHP does for names that are numbers. */
    private const MANY = 100000;

    /**
     * Names that begin with a NUL byte are to be left out: so PHP names what is not public.
     *
     * @return array|\stdClass for foreach
     * @throws Refused
     */
    public static function of(object $object)
    {
        if ($object instanceof \Closure) {
            return []; // an array would hold it
        }
        if ($object instanceof \stdClass) {
            $left = self::MANY;
            foreach ($object as $field) {
                if (--$left < 0) {
                    return $object;
                }
            }
        }
        foreach (['ArrayObject', 'ArrayIterator'] as $class) { // a class of the application's may have another count()
            $isMany = $object instanceof $class
                && (new \ReflectionMethod($class, 'count'))->invoke($object) > self::MANY;
            if ($isMany) {
                throw new Refused(Result::ETOOBIG, "an $class in it has too many items to copy");
            }
        }
        return (array) $object;
    }

    /** @param int|string $name as foreach gives it */
    public static function isPublic($name): bool
    {
        return $name === '' || ((string) $name)[0] !== "\0";
    }
}
