<?php

namespace Transmit;

/**
 * Remembers the results of jsonSerialize(), so that it is called once for each object, even if a profile is encoded
 * twice.
 */
final class Serialized
{
    private const REMEMBERED = 10000;

    /** @var array<int, array{\JsonSerializable, mixed}> by object id: the object, which keeps its id from being used again, and the result */
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
