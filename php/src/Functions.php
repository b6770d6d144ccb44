<?php

namespace Transmit;

/**
 * The bodies of the functions that functions.php declares and describes.
 */
final class Functions
{
    public static function sendProfilingData(array $data): bool
    {
        $tried = TrySend::profile($data);
        if (!Result::leavesItToPlain($tried)) {
            return $tried === Result::SENT;
        }
        return Quiet::call(static function () use ($data, $tried): bool {
            return ProfileSender::send($data, Deadline::now(), $tried);
        }, false);
    }

    public static function sendViaSocket(string $json, string $socketPath): bool
    {
        return TrySend::encoded($json, $socketPath) || Quiet::call(static function () use ($json, $socketPath): bool {
            $settings = Settings::current();
            $call = new SendCall($settings, Deadline::now());
            return $call->toListener($json, $socketPath)->log($settings)->isSent();
        }, false);
    }

    public static function sendLargeData(array $data, string $socketPath): bool
    {
        return Quiet::call(static function () use ($data, $socketPath): bool {
            $settings = Settings::current();
            return LargeProfile::sendShrunk($data, $socketPath, $settings, Deadline::now())->log($settings)->isSent();
        }, false);
    }

    public static function writeToDiskBuffer(string $json): bool
    {
        return Quiet::call(static function () use ($json): bool {
            $settings = Settings::current();
            $outcome = (new SendCall($settings, Deadline::now()))->toDisk($json);
            return $outcome->isOnDisk() || $outcome->log($settings)->isOnDisk();
        }, false);
    }

    public static function getBufferDirectory(): ?string
    {
        return Quiet::call(static function (): ?string {
            return BufferDirectory::choose(Settings::current()->bufferDirs);
        }, null);
    }

    public static function cleanupOldBuffers(int $maxAge): void
    {
        Quiet::call(static function () use ($maxAge): void {
            Cleanup::run(Settings::current(), $maxAge);
        }, null);
    }

    public static function replayDiskBuffer(int $maxFiles, int $budgetUs): int
    {
        return Quiet::call(static function () use ($maxFiles, $budgetUs): int {
            return Replay::run(Settings::current(), $maxFiles, $budgetUs, Deadline::now());
        }, 0);
    }

    /** @return array<string, mixed> */
    public static function checkListenerSocket(): array
    {
        return Quiet::call(static function (): array {
            return ListenerCheck::run(Settings::current());
        }, ['socket_path' => '', 'exists' => false, 'is_socket' => false, 'writable_dir' => false]);
    }

    /** @return array<string, mixed> */
    public static function getTransmitStats(): array
    {
        return Quiet::call(static function (): array {
            return Stats::get(Settings::current());
        }, ['process' => null, 'pool' => null, 'pool_error' => '', 'plain_because' => 'it could not be found out']);
    }
}
