<?php

namespace Fuzz;

/**
 * What json_encode makes of a value.
 */
final class Expected
{
    private const FLAGS = JSON_UNESCAPED_SLASHES | JSON_PARTIAL_OUTPUT_ON_ERROR | JSON_INVALID_UTF8_SUBSTITUTE;

    /** The bytes of a shortest and of a longest "_meta", without marks. */
    private const META_BYTES = [100, 300];

    /** null: an object throws. */
    public ?string $whole;

    /** The same after the cuts. */
    public ?string $cut;

    public bool $isTooDeep;

    /** Calls of jsonSerialize(). */
    public int $calls;

    /** Milliseconds of CPU time. */
    public float $cpu;

    public function __construct(Profile $profile)
    {
        Serializable::$calls = 0;
        $start = Fuzzer::cpuMs();
        $this->whole = self::encode($profile, $profile->data, []);
        $this->cpu = Fuzzer::cpuMs() - $start;
        $this->calls = $this->whole === null ? PHP_INT_MAX : Serializable::$calls;
        $this->cut = $profile->marks === [] ? $this->whole : self::encode($profile, $profile->cut, $profile->marks);
        // It counts a level more than json_encode.
        json_decode($profile->has('nested') ? (string) $this->cut : '', true, 513);
        $this->isTooDeep = json_last_error() === JSON_ERROR_DEPTH;
    }

    /** @return list<string|null> what may arrive where there is time and memory for everything; null: nothing */
    public function mayArrive(int $maxBytes): array
    {
        if ($this->isTooDeep) {
            return [null];
        }
        $length = $this->whole === null ? INF : strlen($this->whole);
        if ($length + self::META_BYTES[1] <= $maxBytes) {
            return [$this->whole];
        }
        return $length + self::META_BYTES[0] <= $maxBytes ? [$this->whole, $this->cut] : [$this->cut];
    }

    private static function encode(Profile $profile, array $data, array $marks): ?string
    {
        try {
            return Fuzzer::resumed($profile, static function () use ($data, $marks): string {
                return @json_encode($data + ['_meta' => (object) $marks], self::FLAGS);
            });
        } catch (OfApplication $e) {
            return null;
        }
    }
}
