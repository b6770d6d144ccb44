<?php

namespace Transmit;

/**
 * What jsonSerialize() of the application's objects gave: it is called once for each, also when a profile is
 * encoded a second time.
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
