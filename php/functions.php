<?php

/**
 * The functions that an application calls. None of them throws, prints, raises a
 * warning, or takes longer than timeout_us (50 ms), cleanup_old_buffers() and
 * replay_disk_buffer() apart.
 *
 * Each is declared only if its name is free: preloading, the application, the pure-PHP transmitter or
 * another copy of these files may have declared it.
 */

use Transmit\BufferDirectory;
use Transmit\Cleanup;
use Transmit\Deadline;
use Transmit\LargeProfile;
use Transmit\ListenerCheck;
use Transmit\Names;
use Transmit\Profile;
use Transmit\Quiet;
use Transmit\Replay;
use Transmit\SendCall;
use Transmit\Settings;
use Transmit\Stats;
use Transmit\TrySend;

// phpcs:disable PSR1.Files.SideEffects -- a name that is taken is left alone
try {
    defined('TRANSMIT_TIMEOUT_USEC') || define('TRANSMIT_TIMEOUT_USEC', 50000);
    defined('MAX_DATAGRAM_SIZE') || define('MAX_DATAGRAM_SIZE', 65507);
} catch (\Error $transmitError) { // define() or defined() is disabled
    unset($transmitError);
}

if (Names::isFree('send_profiling_data')) {
    /**
     * Sends one profile to the listener. "_meta" is added; too large a profile is cut.
     *
     * @param array<mixed> $data
     * @return bool true: the listener's socket took it; false: it is in the disk buffer, or lost and logged
     */
    function send_profiling_data(array $data): bool
    {
        return TrySend::profile($data) || Quiet::call(static function () use ($data): bool {
            return Profile::send($data, Deadline::now());
        }, false);
    }
}

if (Names::isFree('transmit_or_buffer')) {
    /**
     * send_profiling_data() by its other name.
     *
     * @param array<mixed> $data
     */
    function transmit_or_buffer(array $data): bool
    {
        return TrySend::profile($data) || Quiet::call(static function () use ($data): bool {
            return Profile::send($data, Deadline::now());
        }, false);
    }
}

if (Names::isFree('send_via_socket')) {
    /**
     * Sends one encoded profile, as it is, to that socket.
     *
     * @return bool true: sent; false: it is in the disk buffer, or lost and logged
     */
    function send_via_socket(string $json, string $socketPath): bool
    {
        return TrySend::encoded($json, $socketPath) || Quiet::call(static function () use ($json, $socketPath): bool {
            $settings = Settings::current();
            $call = new SendCall($settings, Deadline::now());
            return $call->toListener($json, $socketPath)->log($settings)->isSent();
        }, false);
    }
}

if (Names::isFree('send_large_data')) {
    /**
     * Cuts a profile that is known to be too large for a datagram, then sends it. With the setting
     * oversize, it goes whole.
     *
     * @param array<mixed> $data
     * @return bool true: sent; false: it is in the disk buffer, or lost and logged
     */
    function send_large_data(array $data, string $socketPath): bool
    {
        return Quiet::call(static function () use ($data, $socketPath): bool {
            $settings = Settings::current();
            return LargeProfile::sendCut($data, $socketPath, $settings, Deadline::now())->log($settings)->isSent();
        }, false);
    }
}

if (Names::isFree('write_to_disk_buffer')) {
    /**
     * Writes one encoded profile, as it is, to the disk buffer.
     *
     * @return bool true: it is there, as one whole file
     */
    function write_to_disk_buffer(string $json): bool
    {
        return Quiet::call(static function () use ($json): bool {
            $settings = Settings::current();
            $outcome = (new SendCall($settings, Deadline::now()))->toDisk($json);
            return $outcome->isOnDisk() || $outcome->log($settings)->isOnDisk();
        }, false);
    }
}

if (Names::isFree('get_buffer_directory')) {
    /**
     * The buffer directory in use, created if need be.
     *
     * @return string|null null: none can be used
     */
    function get_buffer_directory(): ?string
    {
        return Quiet::call(static function (): ?string {
            return BufferDirectory::choose(Settings::current()->bufferDirs);
        }, null);
    }
}

if (Names::isFree('cleanup_old_buffers')) {
    /**
     * Removes what lies in the buffer directory for more than $maxAge seconds, and what a
     * crashed writer left. For a listener's start or a cron job: it takes as long as it takes.
     */
    function cleanup_old_buffers(int $maxAge = 3600): void
    {
        Quiet::call(static function () use ($maxAge): void {
            Cleanup::run(Settings::current(), $maxAge);
        }, null);
    }
}

if (Names::isFree('replay_disk_buffer')) {
    /**
     * Sends what lies in the buffer directory to the listener, the oldest first, and removes
     * what its socket has taken. For a cron job, or the end of an outage.
     *
     * @param int $maxFiles so many at most; 0: no limit
     * @param int $budgetUs microseconds that it may take; 0: timeout_us
     * @return int how many were sent
     */
    function replay_disk_buffer(int $maxFiles = 1000, int $budgetUs = 50000): int
    {
        return Quiet::call(static function () use ($maxFiles, $budgetUs): int {
            return Replay::run(Settings::current(), $maxFiles, $budgetUs, Deadline::now());
        }, 0);
    }
}

if (Names::isFree('check_listener_socket')) {
    /**
     * Why does nothing arrive? For a person who wants to know.
     *
     * @return array<string, mixed> see Transmit\ListenerCheck
     */
    function check_listener_socket(): array
    {
        return Quiet::call(static function (): array {
            return ListenerCheck::run(Settings::current());
        }, ['socket_path' => '', 'exists' => false, 'is_socket' => false, 'writable_dir' => false]);
    }
}

if (Names::isFree('get_transmit_stats')) {
    /**
     * How many profiles were sent, buffered, cut, lost and so on, and how long calls took, for a status page.
     *
     * @return array<string, mixed> see Transmit\Stats
     */
    function get_transmit_stats(): array
    {
        return Quiet::call(static function (): array {
            return Stats::get(Settings::current());
        }, ['process' => null, 'pool' => null, 'pool_error' => '', 'plain_because' => 'it could not be found out']);
    }
}
