<?php

namespace Transmit;

use Transmit\Plain\Directory;
use Transmit\Plain\ListenerSocket;
use Transmit\Plain\Stamp;

/**
 * Sends what lies in the disk buffer, by the library or in plain PHP.
 *
 * Both keep to what buffer/replay.go says of a turn: one process of each user replays at a
 * time, and the profile that is being sent has a name that nobody else takes.
 */
final class Replay
{
    private const PROFILE = '/^profile_\d{8}_\d{6}_[0-9a-f]{8}\.json$/D';

    /** How long a listener may not read, at least. */
    private const PATIENCE_US = 20000;

    /** So many names are kept of a directory that may have far more. */
    private const NAMES = 1000;

    private string $directory;
    private string $claim;
    private Settings $settings;
    private Deadline $deadline;
    private ListenerSocket $socket;
    private int $patienceUs;
    private int $mayBeSent;
    private int $sent = 0;

    /**
     * @param int $maxFiles 0: no limit
     * @param int $start hrtime(true), when the application called
     * @return int how many were sent
     */
    public static function run(Settings $settings, int $maxFiles, int $budgetUs, int $start): int
    {
        $deadline = Deadline::after($start, $budgetUs > 0 ? $budgetUs : $settings->timeoutUs);
        [$result, $why] = Native::replay(max(0, $maxFiles), max(1, $deadline->left()), $settings);
        if (Result::leavesItToPlain($result)) {
            return self::inPlain($settings, $maxFiles, $deadline);
        }
        if ($result < 0) {
            Log::write($result, "nothing replayed: $why", $settings);
        }
        return max(0, $result);
    }

    /** Gives the profile that a dead process was sending its name back. */
    public static function recover(string $directory): void
    {
        $turn = file_exists(self::claim($directory)) ? Stamp::open($directory, 'replay') : null;
        if ($turn !== null) {
            self::restore($directory);
            $turn->write('');
        }
    }

    private static function inPlain(Settings $settings, int $maxFiles, Deadline $deadline): int
    {
        $directory = BufferDirectory::choose($settings->bufferDirs);
        $socket = SocketPath::problem($settings->listenerSocket) === ''
            ? ListenerSocket::connect($settings->listenerSocket)
            : null;
        $turn = $directory === null || $socket === null ? null : Stamp::open($directory, 'replay');
        if ($turn === null) {
            return 0;
        }
        try {
            self::restore($directory);
            $replay = new self();
            $replay->directory = $directory;
            $replay->claim = self::claim($directory);
            $replay->settings = $settings;
            $replay->deadline = $deadline;
            $replay->socket = $socket;
            $replay->patienceUs = max(self::PATIENCE_US, intdiv($deadline->left(), 4));
            $replay->mayBeSent = $maxFiles > 0 ? $maxFiles : PHP_INT_MAX;
            return $replay->all();
        } finally {
            $turn->write('');
        }
    }

    private function all(): int
    {
        do {
            $before = $this->sent;
            foreach ($this->oldest() as $name) {
                if ($this->deadline->isOver() || $this->sent >= $this->mayBeSent || !$this->one($name)) {
                    return $this->sent;
                }
            }
        } while ($this->sent > $before);
        return $this->sent;
    }

    /**
     * The oldest of those that were seen in half of the time that is left.
     *
     * @return list<string>
     */
    private function oldest(): array
    {
        $until = $this->deadline->earlierBy(intdiv($this->deadline->left(), 2));
        $names = [];
        foreach (BufferDirectory::names($this->directory) as $name) {
            if (preg_match(self::PROFILE, $name) === 1) {
                $names[] = $name;
            }
            if (count($names) === 2 * self::NAMES) {
                $names = self::first($names);
                if ($until->isOver()) {
                    break;
                }
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
        if (!$this->maySend($path) || !rename($path, $this->claim)) {
            return true; // it stays, or somebody else took it
        }
        $json = $this->maySend($this->claim) ? file_get_contents($this->claim) : false;
        if ($json !== false && !self::isWhole($json)) {
            return self::move($this->claim, "$this->directory/bad_$name");
        }
        if ($json !== false && $this->socket->sendWithin($json, min($this->patienceUs, $this->deadline->left()))) {
            $this->sent++;
            return unlink($this->claim);
        }
        $isTooLarge = strpos(Quiet::lastWarning(), 'too long') !== false;
        return self::move($this->claim, $path) && ($json === false || $isTooLarge);
    }

    /** A regular file of this user's that fits into a datagram. */
    private function maySend(string $path): bool
    {
        $stat = Directory::file($path);
        return $stat !== null && $stat['uid'] === Directory::user()
            && $stat['size'] <= $this->settings->maxDatagramSize;
    }

    /** Half a surrogate pair is JSON, although PHP cannot decode it. */
    private static function isWhole(string $json): bool
    {
        $isValid = is_array(json_decode($json, true)) || json_last_error() === JSON_ERROR_UTF16;
        return $isValid && ltrim($json, " \t\r\n")[0] === '{';
    }

    private static function restore(string $directory): void
    {
        $claim = self::claim($directory);
        $stat = Directory::file($claim);
        if ($stat !== null && $stat['uid'] === Directory::user()) {
            $time = gmdate('Ymd_His', $stat['mtime']);
            self::move($claim, "$directory/profile_{$time}_" . bin2hex(random_bytes(4)) . '.json');
        }
    }

    /** rename() would replace what is there. */
    private static function move(string $from, string $to): bool
    {
        return !file_exists($to) && rename($from, $to);
    }

    private static function claim(string $directory): string
    {
        return "$directory/.transmit-sending-" . Directory::user();
    }
}
