<?php

namespace Transmit;

use Transmit\Plain\Sender;

/**
 * One call with an encoded profile: sends it to the listener, else writes it to the disk buffer, with the library or in
 * plain PHP.
 */
final class SendCall
{
    /** The most time that is reserved for the disk. */
    private const DISK_RESERVE_US = 10000;

    public Settings $settings;

    /** Encoding and waiting for the socket end at this time. The rest of the time is for the disk. */
    public Deadline $socketDeadline;

    /** The end of the call. */
    public Deadline $deadline;

    /** The listener that the profile is for, also if the profile is only written to the disk. */
    public string $listener;

    /** Flags of Native, or-ed together. */
    public int $flags = Native::AS_IS;

    private int $start;

    /** @param int $start Deadline::now(), when the application called */
    public function __construct(Settings $settings, int $start)
    {
        $this->settings = $settings;
        $this->start = $start;
        $this->listener = $settings->listenerSocket;
        $this->deadline = Deadline::after($start, $settings->timeoutUs);
        $reserve = min(self::DISK_RESERVE_US, intdiv($settings->timeoutUs, 5));
        $this->socketDeadline = $this->deadline->earlierBy($reserve);
    }

    /** Sends to that socket, else writes to the disk. */
    public function toListener(string $json, string $socketPath): Outcome
    {
        $this->listener = $socketPath;
        $problem = SocketPath::problem($socketPath);
        return $problem === '' ? $this->send($json, $socketPath) : $this->toDisk($json)->because($problem);
    }

    /** Writes to the disk without trying the socket. */
    public function toDisk(string $json): Outcome
    {
        return $this->send($json, null);
    }

    private function send(string $json, ?string $socketPath): Outcome
    {
        $flags = $this->flags | ($socketPath === null ? Native::TO_DISK : 0);
        // The library refuses a path that no socket can have, and the profile with it.
        $listener = SocketPath::problem($this->listener) === '' ? $this->listener : null;
        try {
            [$result] = Native::send($json, $flags, $socketPath ?? $listener, $this->settings, $this->start);
            if (!Result::leavesItToPlain($result)) {
                return new Outcome($result, $result === Result::SENT ? '' : Native::lastError());
            }
        } catch (\Error $e) {
            $because = $e->getMessage(); // a function or class that the library needs is disabled
        }
        $outcome = Sender::send($json, $socketPath, $this);
        return isset($because) && !$outcome->isSent() ? $outcome->because($because) : $outcome;
    }
}
