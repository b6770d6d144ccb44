<?php

namespace Transmit;

use Transmit\Plain\Directory;
use Transmit\Plain\ListenerSocket;
use Transmit\Plain\LockedStateFile;
use Transmit\Plain\Tags;

/**
 * Sends the profiles in the disk buffer, with the library or in plain PHP.
 *
 * Both follow the rules of buffer/replay.go. For each user and listener, one process replays at a time. It moves a
 * profile to the user's own directory while it sends it, so that no other program reads it.
 */
final class Replay
{
    private const PROFILE = '/^profile_\d{8}_\d{6}_[0-9a-f]{8}\.json$/D';

    /** The least time that the listener has to read a profile, before the replay ends. */
    private const PATIENCE_US = 20000;

    /** The most names of files that are kept in memory. */
    private const NAMES = 1000;

    private string $directory;
    private Tags $tags;
    private Settings $settings;
    private Deadline $deadline;
    private ListenerSocket $socket;
    private int $patienceUs;
    private int $mayBeSent;
    private int $sent = 0;

    /**
     * @param int $maxFiles 0: no limit
     * @param int $start Deadline::now(), when the application called
     * @return int how many were sent
     */
    public static function run(Settings $settings, int $maxFiles, int $budgetUs, int $start): int
    {
        $deadline = Deadline::after($start, $budgetUs > 0 ? $budgetUs : $settings->timeoutUs);
        $mayBeSent = $maxFiles > 0 ? $maxFiles : PHP_INT_MAX;
        $sent = self::oneDirectory($settings, $maxFiles, $deadline);
        foreach (array_slice(BufferDirectory::inUse($settings), 1) as $later) {
            if ($sent < $mayBeSent && !$deadline->isOver()) {
                $only = clone $settings;
                $only->bufferDirs = [$later];
                $sent += self::oneDirectory($only, $maxFiles > 0 ? $maxFiles - $sent : 0, $deadline);
            }
        }
        return $sent;
    }

    private static function oneDirectory(Settings $settings, int $maxFiles, Deadline $deadline): int
    {
        [$result, $why] = Native::replay(max(0, $maxFiles), max(1, $deadline->left()), $settings);
        if (Result::leavesItToPlain($result)) {
            return self::inPlain($settings, $maxFiles, $deadline);
        }
        self::report($result, $why, $settings);
        return max(0, $result);
    }

    /** Logs why nothing could be replayed. Logs nothing if some profiles were sent, or none was there. */
    private static function report(int $result, string $why, Settings $settings): void
    {
        if ($result <= 0 && $why !== '') {
            Log::write($result < 0 ? $result : Result::EIO, "nothing replayed: $why", $settings);
        }
    }

    /** Moves profiles back that a process was sending when it died. */
    public static function recover(string $directory, Tags $tags): void
    {
        $lock = self::claims($directory, $tags) === [] ? null : self::lock($tags);
        if ($lock !== null) {
            self::restore($directory, $tags);
            $lock->write('');
        }
    }

    /** The lock for a replay, which one process of each user and listener holds. Null: another process has it. */
    private static function lock(Tags $tags): ?LockedStateFile
    {
        $state = $tags->state === null ? null : LockedStateFile::open($tags->state, "replay-$tags->own");
        return $state !== null && $state->isLocked ? $state : null;
    }

    private static function inPlain(Settings $settings, int $maxFiles, Deadline $deadline): int
    {
        $directory = BufferDirectory::choose($settings->bufferDirs);
        if ($directory === null) {
            $all = implode(', ', $settings->bufferDirs);
            self::report(Result::ENODIR, "no buffer directory can be used: $all", $settings);
            return 0;
        }
        $tags = Tags::read($directory, $settings->listenerSocket);
        $path = $settings->listenerSocket;
        $problem = SocketPath::problem($path) ?: SocketUser::problem($path, $settings->listenerUser);
        $socket = $problem === '' ? ListenerSocket::connect($settings->listenerSocket) : null;
        if ($socket === null) {
            $why = $problem === '' ? "connect to $settings->listenerSocket: " . Quiet::lastWarning() : $problem;
            self::report(0, $why, $settings);
            return 0;
        }
        $lock = self::lock($tags);
        if ($lock === null) {
            $why = $tags->state === null ? "no directory can be made in $directory" : 'another process replays';
            self::report(0, $why, $settings);
            return 0;
        }
        try {
            self::restore($directory, $tags);
            $replay = new self();
            $replay->directory = $directory;
            $replay->tags = $tags;
            $replay->settings = $settings;
            $replay->deadline = $deadline;
            $replay->socket = $socket;
            $replay->patienceUs = max(self::PATIENCE_US, intdiv($deadline->left(), 4));
            $replay->mayBeSent = $maxFiles > 0 ? $maxFiles : PHP_INT_MAX;
            return $replay->all();
        } finally {
            $lock->write('');
        }
    }

    private function all(): int
    {
        $last = '';
        while (($names = $this->oldest($last)) !== []) {
            foreach ($names as $name) {
                if ($this->deadline->isOver() || $this->sent >= $this->mayBeSent || !$this->one($name)) {
                    return $this->sent;
                }
            }
            $last = $name;
        }
        return $this->sent;
    }

    /**
     * The oldest names after $last. It reads the directory for at most half of the time that is left.
     *
     * @return list<string>
     */
    private function oldest(string $last): array
    {
        $until = $this->deadline->earlierBy(intdiv($this->deadline->left(), 2));
        $isShared = Directory::isShared($this->directory); // then another user's files must not take the place of ours
        $names = [];
        $seen = 0;
        foreach (BufferDirectory::names($this->directory) as $name) {
            $isWanted = preg_match(self::PROFILE, $name) === 1 && $name > $last && $this->tags->mayBeSent($name);
            if ($isWanted && (!$isShared || $this->maySend("$this->directory/$name"))) {
                $names[] = $name;
            }
            if (count($names) === 2 * self::NAMES) {
                $names = self::first($names);
            }
            if (++$seen % 256 === 0 && $until->isOver()) {
                break;
            }
        }
        return self::first($names);
    }

    /**
     * @param list<string> $names
     * @return list<string>
     */
    private static function first(array $names): array
    {
        sort($names, SORT_STRING); // the names begin with the time
        return array_slice($names, 0, self::NAMES);
    }

    /** @return bool whether to go on */
    private function one(string $name): bool
    {
        $path = "$this->directory/$name";
        $claim = "{$this->tags->state}/$name";
        if (!$this->maySend($path) || !rename($path, $claim)) {
            return true; // the file stays, or another process has taken it
        }
        $json = $this->maySend($claim) ? file_get_contents($claim) : false;
        if ($json !== false && !self::isWhole($json)) {
            return self::move($claim, "$this->directory/bad_$name");
        }
        if ($json !== false && $this->socket->sendWithin($json, min($this->patienceUs, $this->deadline->left()))) {
            $this->sent++;
            return unlink($claim);
        }
        $isTooLarge = strpos(Quiet::lastWarning(), 'too long') !== false;
        return self::move($claim, $path) && ($json === false || $isTooLarge);
    }

    /** Whether this user owns the file, and it fits into a datagram. */
    private function maySend(string $path): bool
    {
        $stat = Directory::ownFile($path);
        return $stat !== null && $stat['size'] <= $this->settings->maxDatagramSize;
    }

    /**
     * Whether the text is a JSON object. PHP cannot decode half a surrogate pair, which is valid JSON. Its json_decode
     * counts a level more than json_encode.
     */
    private static function isWhole(string $json): bool
    {
        $isValid = is_array(json_decode($json, true, Encoder::MAX_DEPTH + 1)) || json_last_error() === JSON_ERROR_UTF16;
        return $isValid && ltrim($json, " \t\r\n")[0] === '{';
    }

    private static function restore(string $directory, Tags $tags): void
    {
        foreach (self::claims($directory, $tags) as $claim) {
            self::removeSecondName($claim, $directory);
            $stat = Directory::ownFile($claim);
            $isNamed = preg_match(self::PROFILE, basename($claim)) === 1;
            if ($stat === null || ($isNamed && self::move($claim, $directory . '/' . basename($claim)))) {
                continue;
            }
            $time = gmdate('Ymd_His', $stat['mtime']);
            self::move($claim, "$directory/profile_{$time}_{$tags->digits(1)}.json");
        }
    }

    /** A library that was killed between link() and unlink() leaves a profile with two names. Removes the claim then. */
    private static function removeSecondName(string $claim, string $directory): void
    {
        $stat = Directory::ownFile($claim, 2);
        foreach ($stat !== null && $stat['nlink'] === 2 ? ['', 'bad_'] : [] as $prefix) {
            $named = Directory::ownFile("$directory/$prefix" . basename($claim), 2);
            if ($named !== null && [$named['dev'], $named['ino']] === [$stat['dev'], $stat['ino']]) {
                unlink($claim);
                return;
            }
        }
    }

    /**
     * The profiles that a process was sending when it died, and the one that version 1.0 may have left.
     *
     * @return list<string>
     */
    private static function claims(string $directory, Tags $tags): array
    {
        $claims = [];
        foreach ($tags->state === null ? [] : BufferDirectory::names($tags->state) as $name) {
            if (preg_match(self::PROFILE, $name) === 1 && $tags->mayBeSent($name)) {
                $claims[] = "$tags->state/$name";
            }
        }
        $old = "$directory/.transmit-sending-" . Directory::user();
        return $tags->isAlone() && Directory::ownFile($old) !== null ? array_merge($claims, [$old]) : $claims;
    }

    /** Renames a file if the new name is free: rename() alone would replace a file. */
    private static function move(string $from, string $to): bool
    {
        clearstatcache();
        return lstat($to) === false && rename($from, $to);
    }
}
