<?php

namespace Transmit\Plain;

use Transmit\BufferDirectory;
use Transmit\Deadline;
use Transmit\Settings;

/**
 * Keeps the buffer directory within buffer_max_files and buffer_max_bytes. It removes the oldest files first.
 *
 * Reading a directory of 100,000 files takes longer than a call may take. So a LockedStateFile counts the writes, and
 * the directory is read only when the count is over a limit. Then a hundredth more files than necessary are removed, so
 * that the next read is many writes later. Files that a listener has taken stay in the count until the next read.
 */
final class BufferLimits
{
    /** The size of more files than this is estimated from a sample. */
    private const SIZES_TO_ASK = 1000;

    /** The owner of further files is not checked in a directory where no other user can create files. */
    private const FILES_TO_CHECK = 2000;

    private string $directory;
    private Tags $tags;
    private Settings $settings;
    private Deadline $deadline;
    private ?LockedStateFile $state = null;
    private ?\Error $error = null;

    public function __construct(string $directory, Tags $tags, Settings $settings, Deadline $deadline)
    {
        $this->directory = $directory;
        $this->tags = $tags;
        $this->settings = $settings;
        $this->deadline = $deadline;
    }

    /**
     * Call it before each write. It waits until no other worker writes, for half of the time at most. Without it, the
     * kernel makes many workers wait in a queue for the directory. On a busy machine each of them, when its turn comes,
     * first waits for a CPU: with fifty workers on two CPUs up to 200 ms.
     */
    public function begin(): void
    {
        try {
            $directory = $this->tags->state;
            $this->state = $directory === null ? null : LockedStateFile::open($directory, "count-{$this->tags->own}");
            if ($this->state !== null) {
                $this->state->wait($this->deadline->halfway());
            }
        } catch (\Error $e) {
            $this->error = $e;
        }
    }

    /**
     * Call it after each write. It never removes $file.
     *
     * @throws \Error a function that begin() needs is disabled
     */
    public function count(string $file): void
    {
        if ($this->error !== null) {
            throw $this->error;
        }
        $state = $this->state;
        if ($state === null || $this->settings->bufferMaxFiles === 0 && $this->settings->bufferMaxBytes === 0) {
            return;
        }
        if (!$state->isLocked) {
            if ($state->isStuck()) {
                $this->evict([0, 0], basename($file));
            }
            return;
        }
        $was = array_map('intval', explode(' ', $state->read()));
        $isKnown = count($was) === 2;
        $now = $isKnown ? [$was[0] + 1, self::sum($was[1], self::size($file))] : [0, 0];
        if (!$isKnown || $this->isOver($now, 0)) {
            $now = $this->evict($now, basename($file));
        }
        $state->write("$now[0] $now[1]");
    }

    /**
     * @param array{int, int} $counted number of files, bytes
     * @return array{int, int} the same, afterwards
     */
    private function evict(array $counted, string $newest): array
    {
        [$names, $isAll] = $this->names($this->deadline->earlierBy(intdiv($this->deadline->left(), 2)));
        // If time ended the read early, the count is more exact, unless the part that was read has more.
        $now = $isAll ? [0, 0] : $counted;
        $now = [max($now[0], count($names)), max($now[1], $this->bytes($names))];
        sort($names, SORT_STRING); // the names begin with the time
        foreach ($this->isOver($now, 0) ? $names : [] as $name) {
            if (!$this->isOver($now, 100) || $this->deadline->isOver()) {
                break;
            }
            $size = self::size("$this->directory/$name");
            if ($name !== $newest && unlink("$this->directory/$name")) {
                $now = [$now[0] - 1, max(0, $now[1] - $size)];
            }
        }
        return $now;
    }

    /** @return array{list<string>, bool} names of profiles, and whether the whole directory was read */
    private function names(Deadline $until): array
    {
        $names = [];
        $seen = 0;
        $isShared = Directory::isShared($this->directory);
        foreach (BufferDirectory::names($this->directory) as $name) {
            $isAmongOurs = !$isShared && $seen > self::FILES_TO_CHECK;
            if ($this->counts($name) && ($isAmongOurs || Directory::ownFile("$this->directory/$name") !== null)) {
                $names[] = $name;
            }
            if (++$seen % 256 === 0 && $until->isOver()) {
                return [$names, false];
            }
        }
        return [$names, true];
    }

    /**
     * The size of these files. If they are many, it is estimated from a sample.
     *
     * @param list<string> $names
     */
    private function bytes(array $names): int
    {
        $bytes = 0;
        $step = max(1, intdiv(count($names), self::SIZES_TO_ASK));
        for ($i = 0; $i < count($names) && $this->settings->bufferMaxBytes !== 0; $i += $step) {
            $size = self::size("$this->directory/$names[$i]");
            $bytes = self::sum($bytes, $size > intdiv(PHP_INT_MAX, $step) ? PHP_INT_MAX : $step * $size);
        }
        return $bytes;
    }

    /** @param array{int, int} $now */
    private function isOver(array $now, int $slackParts): bool
    {
        $isOver = static function (int $count, int $limit) use ($slackParts): bool {
            return $limit !== 0 && $count > $limit - ($slackParts === 0 ? 0 : intdiv($limit, $slackParts));
        };
        return $isOver($now[0], $this->settings->bufferMaxFiles) || $isOver($now[1], $this->settings->bufferMaxBytes);
    }

    private function counts(string $name): bool
    {
        return preg_match(BufferFile::FINISHED, $name) === 1 && $this->tags->counts($name);
    }

    private static function size(string $path): int
    {
        return Directory::file($path)['size'] ?? 0;
    }

    /** The sum, or PHP_INT_MAX if it is larger. A sparse file may have a size of 8 EiB. */
    public static function sum(int $a, int $b): int
    {
        return $a + min($b, PHP_INT_MAX - $a);
    }
}
