<?php

namespace Transmit;

use Transmit\Plain\Sender;

/**
 * One call with an encoded profile: sends it to the listener, else writes it to the disk buffer, with the library or in
 * plain PHP.
 */
final class SendCall
{
    /** The part of the time that is reserved for the disk, at most. */
    private const DISK_RESERVE_US = 10000;

    public Settings $settings;

    /** The end of encoding and of waiting for the socket: the rest of the time is for the disk. */
    public Deadline $socketDeadline;

    /** The end of the call. */
    public Deadline $deadline;

    /** The listener that the profile is for, also if it goes to the disk at once. */
    public string $listener;

    /** Native::AS_IS, and more. */
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

    /** To that socket, else to the disk. */
    public function toListener(string $json, string $socketPath): Outcome
    {
        $this->listener = $socketPath;
        $problem = SocketPath::problem($socketPath);
        return $problem === '' ? $this->send($json, $socketPath) : $this->toDisk($json)->because($problem);
    }

    /** To the disk at once. */
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
            $result = Native::send($json, $flags, $socketPath ?? $listener, $this->settings, $this->start);
            if (!Result::leavesItToPlain($result)) {
                return new Outcome($result, $result === Result::SENT ? '' : Native::lastError());
            }
        } catch (\Error $e) {
            $because = $e->getMessage(); // a function or class that it needs is disabled
        }
        $outcome = Sender::send($json, $socketPath, $this);
        return isset($because) && !$outcome->isSent() ? $outcome->because($because) : $outcome;
    }
}
