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

    private function __construct(Settings $settings, Deadline $deadline)
    {
        $this->settings = $settings;
        $this->deadline = $deadline;
        $this->diskBy = $deadline->earlierBy(min(self::DISK_RESERVE_US, intdiv($settings->timeoutUs, 5)));
    }

    public static function begin(): self
    {
        $start = hrtime(true);
        $settings = Settings::current();
        return new self($settings, Deadline::after($start, $settings->timeoutUs));
    }

    /** To that socket, else to the disk. What went wrong is logged. */
    public function deliver(string $json, string $socketPath): int
    {
        $problem = SocketPath::problem($socketPath);
        [$result, $why] = $this->send($json, $problem === '' ? $socketPath : null);
        return $this->report($result, $problem === '' ? $why : $problem . ($result < 0 ? "; $why" : ''));
    }

    /** To the disk, because it is wanted there. */
    public function store(string $json): int
    {
        [$result, $why] = $this->send($json, null);
        return $result === Result::BUFFERED ? $result : $this->report($result, $why);
    }

    /** To the disk, because the socket cannot take it. */
    public function storeInstead(string $json, string $why): int
    {
        [$result, $failure] = $this->send($json, null);
        return $this->report($result, $result < 0 ? "$why; $failure" : $why);
    }

    /** Nothing can be done for it. */
    public function lose(int $result, string $why): bool
    {
        $this->report($result, $why);
        return false;
    }

    /** @return array{int, string} */
    private function send(string $json, ?string $socketPath): array
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
            Log::write($result, $this->whereabouts($result) . ($why === '' ? '' : ": $why"), $this->settings);
        }
        return $result;
    }

    private function whereabouts(int $result): string
    {
        if ($result < 0) {
            return 'profile lost';
        }
        $directory = BufferDirectory::choose($this->settings->bufferDirs) ?? 'the disk buffer';
        return $result === Result::BUFFERED ? "profile buffered in $directory" : "profile on its way to $directory";
    }
}
