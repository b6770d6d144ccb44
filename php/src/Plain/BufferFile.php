<?php

namespace Transmit\Plain;

use Transmit\Deadline;
use Transmit\Quiet;
use Transmit\Result;

/**
 * Writes one profile as one file. Readers see the whole file or none, also if the writer crashes. An existing file is
 * never replaced. Nothing is synced, so a power failure may lose the file.
 */
final class BufferFile
{
    /** Names of temporary files: those of tempnam() and those of the library. */
    public const TEMPORARY = '/^\.transmit-(?:[A-Za-z0-9]{6}|[0-9a-f]{16}\.tmp)$/D';

    /** Names of profiles, and of malformed ones that a replay has renamed. */
    public const FINISHED = '/^(?:bad_)?profile_\d{8}_\d{6}_[0-9a-f]{8}\.json$/D';

    /**
     * An empty file in the user's own directory: this, and the name of the profile that its writer is about to publish.
     */
    public const RESERVED = 'new-';

    private const PREFIX = '.transmit-';
    private const PIECE = 1048576;
    private const NAMES_TO_TRY = 16;

    /**
     * @param bool $isAlone whether the caller has the lock of BufferLimits
     * @return array{int, string} BUFFERED and the file's name, or why not
     */
    public static function write(string $json, string $dir, Tags $tags, bool $isAlone, Deadline $deadline): array
    {
        $publish = static function (string $temporary, string $directory) use ($tags, $isAlone): array {
            return self::publish($temporary, $directory, $tags, $isAlone);
        };
        return self::withTemporary($json, $dir, $deadline, $publish);
    }

    /**
     * As write(), but removes the temporary file instead of renaming it.
     *
     * @return array{int, string} BUFFERED and "", or why not
     */
    public static function rehearse(string $json, string $directory, Deadline $deadline): array
    {
        return self::withTemporary($json, $directory, $deadline, static function (): array {
            return [Result::BUFFERED, ''];
        });
    }

    /**
     * @param callable(string, string): array{int, string} $finish takes the file and the directory
     * @return array{int, string}
     */
    private static function withTemporary(string $json, string $directory, Deadline $deadline, $finish): array
    {
        if (!FileSize::allows(strlen($json))) {
            return [Result::EIO, 'write: RLIMIT_FSIZE of this process is less than ' . strlen($json) . ' bytes'];
        }
        // tempnam() creates the file with mode 0600. With fopen "x", the mode depends on the umask of the process.
        // If tempnam() cannot write to the directory, it uses another one, which is checked below.
        $temporary = tempnam($directory, self::PREFIX);
        if ($temporary === false) {
            return [Result::EIO, "no file can be made in $directory: " . Quiet::lastWarning()];
        }
        try {
            if (dirname($temporary) !== rtrim($directory, '/')) {
                return [Result::EIO, "no file can be made in $directory"];
            }
            $failure = self::fill($temporary, $json, $deadline);
            return $failure ?? $finish($temporary, $directory);
        } finally {
            if (Directory::file($temporary) !== null) {
                unlink($temporary);
            }
        }
    }

    /** @return array{int, string}|null why the file is not complete; null: it is */
    private static function fill(string $path, string $json, Deadline $deadline): ?array
    {
        $file = fopen($path, 'r+b');
        if ($file === false) {
            return [Result::EIO, 'open: ' . Quiet::lastWarning()];
        }
        $length = strlen($json);
        for ($at = 0; $at < $length; $at += self::PIECE) {
            if ($at > 0 && $deadline->isOver()) {
                fclose($file);
                return [Result::ETIMEDOUT, "time was up after $at of $length bytes"];
            }
            $piece = $length <= self::PIECE ? $json : substr($json, $at, self::PIECE);
            if (fwrite($file, $piece) !== strlen($piece)) {
                fclose($file);
                return self::writeFailure();
            }
        }
        return fclose($file) ? null : self::writeFailure();
    }

    /** @return array{int, string} */
    private static function writeFailure(): array
    {
        $isFull = preg_match('/errno=(?:28|122) /', Quiet::lastWarning()) === 1; // ENOSPC, EDQUOT
        return [$isFull ? Result::EFULL : Result::EIO, 'write: ' . Quiet::lastWarning()];
    }

    /**
     * The writer that is alone has the even names. The others, which are few, reserve one of the odd names.
     *
     * @return array{int, string}
     */
    private static function publish(string $temporary, string $directory, Tags $tags, bool $isAlone): array
    {
        for ($try = 0; $try < self::NAMES_TO_TRY; $try++) {
            $name = 'profile_' . gmdate('Ymd_His') . '_' . $tags->digits($isAlone ? 0 : 1) . '.json';
            if (self::move($temporary, "$directory/$name", $isAlone ? null : $tags->state)) {
                return [Result::BUFFERED, "$directory/$name"];
            }
        }
        return [Result::EIO, 'rename: ' . Quiet::lastWarning()];
    }

    /**
     * Renames a file if the new name is free. PHP's rename() would replace a file that gets the name meanwhile, so the
     * name is first reserved in $state. It does not use link(): programs that watch the directory expect moved_to.
     *
     * @param string|null $state the user's own directory; null: without a reservation
     */
    private static function move(string $temporary, string $final, ?string $state): bool
    {
        $reserved = "$state/" . self::RESERVED . basename($final);
        $reservation = $state === null ? null : fopen($reserved, 'x');
        if ($reservation === false && Directory::file($reserved) !== null) {
            return false; // another writer has reserved it
        }
        try {
            return self::isFree($final) && rename($temporary, $final);
        } finally {
            if (is_resource($reservation)) {
                fclose($reservation);
                unlink($reserved);
            }
        }
    }

    /** lstat(), because file_exists() follows links. */
    private static function isFree(string $path): bool
    {
        clearstatcache();
        return lstat($path) === false;
    }
}
