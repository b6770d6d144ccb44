<?php

namespace Transmit;

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

    /** @param int $start hrtime(true), when the application called */
    public function __construct(Settings $settings, int $start)
    {
        $this->settings = $settings;
        $this->deadline = Deadline::after($start, $settings->timeoutUs);
        $this->diskBy = $this->deadline->earlierBy(min(self::DISK_RESERVE_US, intdiv($settings->timeoutUs, 5)));
    }

    /**
     * One encoded profile, as it is, to that socket, else to the disk.
     *
     * @return bool whether the socket took it
     */
    public static function send(string $json, string $socketPath, Settings $settings, int $start): bool
    {
        $result = Native::sendAgain($json, $socketPath, $settings, $start);
        return $result === Result::SENT
            || (new self($settings, $start))->deliver($json, $socketPath, $result) === Result::SENT;
    }

    /**
     * To that socket, else to the disk. What went wrong is logged.
     *
     * @param int|null $tried what Native::sendAgain() made of it
     */
    public function deliver(string $json, string $socketPath, ?int $tried = null): int
    {
        if ($tried !== null && !Result::leavesItToPlain($tried)) {
            return $this->report($tried, Native::lastError());
        }
        $problem = SocketPath::problem($socketPath);
        [$result, $why] = $this->attempt($json, $problem === '' ? $socketPath : null);
        return $this->report($result, $problem === '' ? $why : "$problem; $why");
    }

    /** To the disk, because it is wanted there. */
    public function store(string $json): int
    {
        [$result, $why] = $this->attempt($json, null);
        return $result === Result::BUFFERED ? $result : $this->report($result, $why);
    }

    /** To the disk, because the socket cannot take it. */
    public function storeInstead(string $json, string $why): int
    {
        [$result, $failure] = $this->attempt($json, null);
        return $this->report($result, "$why; $failure");
    }

    /** Nothing can be done for it. */
    public function lose(int $result, string $why): bool
    {
        $this->report($result, $why);
        return false;
    }

    /**
     * To that socket, else to the disk; null: to the disk at once. Nothing is logged.
     *
     * @return array{int, string} what became of it, and why it is not at the listener
     */
    public function attempt(string $json, ?string $socketPath): array
    {
        if ($json === '') {
            return [Result::EEMPTY, 'the profile is an empty string'];
        }
        $native = Native::instance($this->settings);
        $outcome = $native === null
            ? [Result::EPANIC, '']
            : $native->send($json, $socketPath, $socketPath === null, $this->settings, $this->deadline);
        return Result::leavesItToPlain($outcome[0])
            ? Plain::send($json, $socketPath, $this)
            : $outcome;
    }

    private function report(int $result, string $why): int
    {
        if ($result !== Result::SENT) {
            Log::write($result, self::outcome($result) . ($why === '' ? '' : ": $why"), $this->settings);
        }
        return $result;
    }

    private static function outcome(int $result): string
    {
        if ($result < 0) {
            return 'profile lost';
        }
        return $result === Result::BUFFERED ? 'profile buffered' : 'profile on its way to the disk buffer';
    }
}
