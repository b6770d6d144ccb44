<?php

namespace Transmit;

use Transmit\Plain\Sender;

/**
 * One call: its settings, the time it has, and the way that its profile takes.
 */
final class Transmission
{
    /** What the disk needs of the time, at most. */
    private const DISK_RESERVE_US = 10000;

    public Settings $settings;

    /** The end of waiting and encoding: the disk still needs some time then. */
    public Deadline $diskBy;

    /** The end of the call. */
    public Deadline $deadline;

    /** Native::AS_IS, and more. */
    public int $flags = Native::AS_IS;

    private int $start;

    /** @param int $start hrtime(true), when the application called */
    public function __construct(Settings $settings, int $start)
    {
        $this->settings = $settings;
        $this->start = $start;
        $this->deadline = Deadline::after($start, $settings->timeoutUs);
        $this->diskBy = $this->deadline->earlierBy(min(self::DISK_RESERVE_US, intdiv($settings->timeoutUs, 5)));
    }

    /**
     * One encoded profile, as it is, to that socket, else to the disk. What went wrong is logged.
     *
     * @return bool whether the socket took it
     */
    public static function send(string $json, string $socketPath, Settings $settings, int $start): bool
    {
        if ($socketPath !== $settings->listenerSocket && SocketPath::problem($socketPath) !== '') {
            return (new self($settings, $start))->deliver($json, $socketPath);
        }
        $result = Native::send($json, Native::AS_IS, $socketPath, $settings, $start);
        if ($result === Result::SENT) {
            return true;
        }
        $call = new self($settings, $start);
        [$result, $why] = $call->complete($result, $json, $socketPath);
        return self::report($result, $why, $settings) === Result::SENT;
    }

    /** send(), in a call that has begun already. */
    public function deliver(string $json, string $socketPath): bool
    {
        $problem = SocketPath::problem($socketPath);
        if ($problem !== '') {
            return $this->storeInstead($json, $problem) === Result::SENT;
        }
        [$result, $why] = $this->attempt($json, $socketPath);
        return self::report($result, $why, $this->settings) === Result::SENT;
    }

    /**
     * To the disk, because it is wanted there.
     *
     * @return bool whether it is there
     */
    public function store(string $json): bool
    {
        [$result, $why] = $this->attempt($json, null);
        return $result === Result::BUFFERED || self::report($result, $why, $this->settings) === Result::BUFFERED;
    }

    /** To the disk, because the socket cannot take it. */
    public function storeInstead(string $json, string $why): int
    {
        [$result, $failure] = $this->attempt($json, null);
        return self::report($result, "$why; $failure", $this->settings);
    }

    /** Logs what became of a profile that is not at the listener. */
    public static function report(int $result, string $why, Settings $settings): int
    {
        if ($result !== Result::SENT) {
            Log::write($result, self::outcome($result) . ($why === '' ? '' : ": $why"), $settings);
        }
        return $result;
    }

    /**
     * To that socket, else to the disk; null: to the disk at once. Nothing is logged.
     *
     * @return array{int, string} what became of it, and why it is not at the listener
     */
    public function attempt(string $json, ?string $socketPath): array
    {
        $flags = $this->flags | ($socketPath === null ? Native::TO_DISK : 0);
        $result = Native::send($json, $flags, $socketPath, $this->settings, $this->start);
        return $this->complete($result, $json, $socketPath);
    }

    /**
     * What the library could not do, plain PHP does.
     *
     * @return array{int, string}
     */
    private function complete(int $result, string $json, ?string $socketPath): array
    {
        return Result::leavesItToPlain($result)
            ? Sender::send($json, $socketPath, $this)
            : [$result, $result === Result::SENT ? '' : Native::lastError()];
    }

    private static function outcome(int $result): string
    {
        if ($result < 0) {
            return 'profile lost';
        }
        return $result === Result::BUFFERED ? 'profile buffered' : 'profile on its way to the disk buffer';
    }
}
