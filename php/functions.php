<?php

/**
 * The functions that an application calls. None of them throws, prints or raises a warning. None takes longer than
 * timeout_us (50 ms), except cleanup_old_buffers() and replay_disk_buffer().
 *
 * Each is declared only if its name is free: preloading, the application, the pure-PHP transmitter or another copy of
 * these files may have declared it.
 */

use Transmit\Functions;
use Transmit\Names;

// phpcs:disable PSR1.Files.SideEffects -- a name that is taken is left alone
Names::defineConstants();

if (Names::isFree('send_profiling_data')) {
    /**
     * Sends one profile to the listener. It adds "_meta", and shrinks a profile that is too large.
     *
     * @param array<mixed> $data
     * @return bool true: the listener's socket took it; false: it is in the disk buffer, or lost and logged
     */
    function send_profiling_data(array $data): bool
    {
        return Functions::sendProfilingData($data);
    }
}

if (Names::isFree('transmit_or_buffer')) {
    /**
     * Another name of send_profiling_data().
     *
     * @param array<mixed> $data
     */
    function transmit_or_buffer(array $data): bool
    {
        return Functions::sendProfilingData($data);
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
        return Functions::sendViaSocket($json, $socketPath);
    }
}

if (Names::isFree('send_large_data')) {
    /**
     * Shrinks a profile that is too large for a datagram, then sends it. If oversize is "buffer" or "memfd", it does
     * not shrink the profile.
     *
     * @param array<mixed> $data
     * @return bool true: sent; false: it is in the disk buffer, or lost and logged
     */
    function send_large_data(array $data, string $socketPath): bool
    {
        return Functions::sendLargeData($data, $socketPath);
    }
}

if (Names::isFree('write_to_disk_buffer')) {
    /**
     * Writes one encoded profile, as it is, to the disk buffer.
     *
     * @return bool true: it is one whole file in the disk buffer
     */
    function write_to_disk_buffer(string $json): bool
    {
        return Functions::writeToDiskBuffer($json);
    }
}

if (Names::isFree('get_buffer_directory')) {
    /**
     * Returns the buffer directory in use. It is created if necessary.
     *
     * @return string|null null: no directory can be used
     */
    function get_buffer_directory(): ?string
    {
        return Functions::getBufferDirectory();
    }
}

if (Names::isFree('cleanup_old_buffers')) {
    /**
     * Removes profiles that are older than $maxAge seconds from the buffer directory, and temporary files of crashed
     * writers. For a cron job or a listener's start: its time is not limited.
     */
    function cleanup_old_buffers(int $maxAge = 3600): void
    {
        Functions::cleanupOldBuffers($maxAge);
    }
}

if (Names::isFree('replay_disk_buffer')) {
    /**
     * Sends the profiles in the buffer directory to the listener, the oldest first, and removes those that its socket
     * has taken. For a cron job, or the end of an outage.
     *
     * @param int $maxFiles the most profiles to send; 0: no limit
     * @param int $budgetUs microseconds that it may take; 0: timeout_us
     * @return int how many were sent
     */
    function replay_disk_buffer(int $maxFiles = 1000, int $budgetUs = 50000): int
    {
        return Functions::replayDiskBuffer($maxFiles, $budgetUs);
    }
}

if (Names::isFree('check_listener_socket')) {
    /**
     * Reports whether profiles can reach the listener, and if not, why.
     *
     * @return array<string, mixed> see Transmit\ListenerCheck
     */
    function check_listener_socket(): array
    {
        return Functions::checkListenerSocket();
    }
}

if (Names::isFree('get_transmit_stats')) {
    /**
     * Returns how many profiles were sent, buffered, shrunk, lost and so on, and how long calls took.
     *
     * @return array<string, mixed> see Transmit\Stats
     */
    function get_transmit_stats(): array
    {
        return Functions::getTransmitStats();
    }
}
