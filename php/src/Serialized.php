<?php

namespace Transmit;

/**
 * The results of jsonSerialize() of the application's objects. It is called once for each object, even if a profile is
 * encoded twice.
 */
final class Serialized
{
    private const REMEMBERED = 10000;

    /** @var array<int, array{\JsonSerializable, mixed}> the object too: its number may be another's later */
    private array $results = [];

    /** @return mixed */
    public function of(\JsonSerializable $object)
    {
        $id = spl_object_id($object);
        if (isset($this->results[$id])) {
            return $this->results[$id][1];
        }
        $result = $object->jsonSerialize();
        if (count($this->results) < self::REMEMBERED) {
            $this->results[$id] = [$object, $result];
        }
        return $result;
    }
}
