<?php

namespace Transmit;

/**
 * What json_encode writes of an object: public properties. No method of it is called.
 */
final class ObjectFields
{
    /**
     * Names that begin with a NUL byte are to be left out: so PHP names what is not public.
     *
     * @return array|\stdClass for foreach; not copied where that may be much
     */
    public static function of(object $object)
    {
        return get_class($object) === 'stdClass' ? $object : (array) $object;
    }

    /** @param int|string $name as foreach gives it */
    public static function isPublic($name): bool
    {
        return $name === '' || ((string) $name)[0] !== "\0";
    }
}
