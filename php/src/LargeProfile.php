<?php

namespace Transmit;

use function is_array;
use function strlen;

/**
 * Sends a profile that may be too large for a datagram, for the time, or for the memory. It shrinks the profile, sends
 * it whole or refuses it, as the setting oversize says.
 */
final class LargeProfile
{
    /** The longest JSON that is encoded: TRANSMIT_MAX_LENGTH. */
    private const MAX_BYTES = 67108864;

    private array $data;
    private SendCall $call;
    private Serialized $serialized;

    /** @var array<string, mixed> */
    private array $meta;

    private function __construct(array $data, array $meta, SendCall $call)
    {
        $this->data = $data;
        $this->meta = $meta;
        $this->call = $call;
        $this->serialized = new Serialized();
    }

    /**
     * @param int $start Deadline::now(), when the application called
     * @param array<string, bool> $marks more for "_meta"
     * @param int $flags Native::NO_WAIT, or 0
     */
    public static function send(
        array $data,
        Settings $settings,
        int $start,
        array $marks = [],
        int $flags = 0
    ): Outcome {
        $call = new SendCall($settings, $start);
        $call->flags |= $flags;
        return (new self($data, ProfileSender::meta() + $marks, $call))->sendEncoded($settings->listenerSocket, false);
    }

    /** Shrinks a profile of any size, and keeps its own "_meta". */
    public static function sendShrunk(array $data, string $socketPath, Settings $settings, int $start): Outcome
    {
        $meta = $data['_meta'] ?? null;
        $call = new SendCall($settings, $start);
        $profile = new self($data, is_array($meta) ? $meta : ProfileSender::meta(), $call);
        return $profile->sendEncoded($socketPath, $settings->oversize === 'shrink');
    }

    private function sendEncoded(string $socketPath, bool $isShrunk): Outcome
    {
        $settings = $this->call->settings;
        $this->call->listener = $socketPath;
        try {
            $json = $isShrunk ? $this->encodeShrunk() : $this->encodeWhole() ?? $this->encodeShrunk();
        } catch (Refused $e) {
            return new Outcome($e->getCode(), $e->getMessage());
        }
        Quiet::renew();
        $length = strlen($json);
        if ($length <= $settings->maxDatagramSize || $settings->oversize === 'memfd') {
            return $this->call->toListener($json, $socketPath);
        }
        $shrunk = $settings->oversize === 'shrink' ? 'even when it is shrunk' : 'and oversize is "buffer"';
        return $this->call->toDisk($json)->because("too large for a datagram: $length bytes, $shrunk");
    }

    /**
     * Encodes until the datagram is full, to find out whether the profile fits.
     *
     * @return string|null null: it must be shrunk
     * @throws Refused EDEPTH
     */
    private function encodeWhole(): ?string
    {
        $until = $this->until();
        $isShrunk = $this->call->settings->oversize === 'shrink';
        if ($isShrunk && self::areQueriesLonger($this->data['sql'] ?? null, $this->call->settings->maxDatagramSize)) {
            return null;
        }
        try {
            return $isShrunk
                ? $this->encodeWithin($until, $this->call->settings->maxDatagramSize)
                // Half of the time: a shrunk profile is better than none.
                : $this->encodeWithin($until->halfway(), self::MAX_BYTES);
        } catch (\Throwable $e) { // an object may throw, and shrinking may remove it
            if ($e instanceof Refused && $e->getCode() === Result::EDEPTH) {
                throw $e;
            }
            return null;
        }
    }

    /**
     * Whether the queries alone are longer than that. To find out takes less than to encode them: each field is looked
     * at as in Modest, and counts as one byte and a comma, or as its text. A query that contains others does not count,
     * because json_encode writes null for one that contains itself.
     *
     * @param mixed $sql
     */
    private static function areQueriesLonger($sql, int $bytes): bool
    {
        $queries = is_array($sql) ? $sql['queries'] ?? [] : [];
        foreach (is_array($queries) ? $queries : [] as $query) {
            $length = 2;
            if (is_array($query)) {
                foreach ($query as $field) {
                    if ($field > []) {
                        continue 2;
                    }
                    $length += isset($field[0]) ? strlen($field) : 2;
                }
            }
            if (($bytes -= $length) < 0) {
                return true;
            }
        }
        return false;
    }

    /** @throws Refused */
    private function encodeShrunk(): string
    {
        $until = $this->until();
        $plan = new ShrinkPlan($this->data, $this->serialized, $until->halfway());
        if ($plan->marks !== []) {
            $this->call->flags |= Native::SHRUNK;
        }
        return $this->encodeWithin($until, self::MAX_BYTES, $plan->instead, $plan->marks);
    }

    /** The rest of the time is needed to copy and to write the JSON. */
    private function until(): Deadline
    {
        return $this->call->deadline->earlierBy(intdiv($this->call->settings->timeoutUs * 2, 5));
    }

    private function encodeWithin(Deadline $until, int $bytes, array $instead = [], array $marks = []): string
    {
        $limit = min($bytes, Memory::share());
        $meta = $this->meta + $marks;
        try {
            return Encoder::profile($this->data, $instead, $meta, $until, $limit, $this->serialized);
        } catch (Refused $e) {
            throw $limit < $bytes && $e->getCode() === Result::ETOOBIG ? Refused::forMemory($limit) : $e;
        }
    }
}
