<?php

namespace Transmit\Plain;

use Transmit\BufferDirectory;
use Transmit\Deadline;
use Transmit\Settings;

/**
 * Keeps the buffer directory within buffer_max_files and buffer_max_bytes. It removes the oldest files first.
 *
 * Reading a directory of 100,000 files takes longer than a call may take. So a LockedStateFile counts the writes, and
 * KnownProfiles has the names. The count is too high if a listener has taken files. So if it is over a limit, all known
 * files are looked at, in several calls if necessary. Only if it is still over the limit, the oldest are removed: a
 * hundredth more than necessary, so that the next look is many writes later.
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
     *
     * @return bool whether no other worker writes, until count()
     */
    public function begin(): bool
    {
        try {
            $directory = $this->tags->state;
            $name = "count-{$this->tags->own}";
            $this->state = $directory === null
                ? null : LockedStateFile::open($directory, $name, KnownProfiles::LIST_BYTES);
            if ($this->state !== null) {
                $this->state->wait($this->deadline->halfway());
            }
        } catch (\Error $e) {
            $this->error = $e;
        }
        return $this->state !== null && $this->state->isLocked;
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
                $this->evictUncounted(basename($file));
            }
            return;
        }
        $known = $this->known();
        if (!$known->load($state->read())) {
            $this->read($known, $this->deadline->halfway(), basename($file));
        } else {
            $known->add([basename($file)], self::size($file));
        }
        $this->enforce($known, basename($file));
        $state->write($known->text());
    }

    /** Reads the whole directory, whatever time that takes, and brings it within the limits. */
    public function rebuild(): void
    {
        if ($this->settings->bufferMaxFiles === 0 && $this->settings->bufferMaxBytes === 0) {
            return;
        }
        if ($this->begin()) {
            $known = $this->known();
            $this->read($known, $this->deadline, '');
            $this->enforce($known, '');
            $this->state->write($known->text());
        }
    }

    private function known(): KnownProfiles
    {
        return new KnownProfiles($this->directory, "{$this->tags->state}/names-{$this->tags->own}");
    }

    /** Reads the directory, as far as there is time. $newest is known also if it was not read. */
    private function read(KnownProfiles $known, Deadline $until, string $newest): void
    {
        $known->clear();
        $names = $this->names($until);
        if ($newest !== '' && !in_array($newest, $names, true)) {
            $names[] = $newest;
        }
        sort($names, SORT_STRING); // the names begin with the time
        $known->add($names, $names === [] ? 0 : 1 + intdiv($this->bytes($names), count($names)));
    }

    /** It looks at one list at least, so that there is progress whatever time is left. */
    private function enforce(KnownProfiles $known, string $newest): void
    {
        $isOver = function (int $slackParts) use ($known): bool {
            return $this->isOver([$known->files, $known->bytes], $slackParts);
        };
        if (!$isOver(0)) {
            return;
        }
        $until = $this->deadline->halfway();
        do {
            $known->look(static function (): bool {
                return false;
            });
        } while (($hasNext = $known->hasNext()) && $isOver(100) && !$until->isOver());
        if ($hasNext && $isOver(0)) {
            return; // the next call goes on
        }
        $known->rewind();
        $isToEvict = $isOver(0);
        while ($isToEvict) {
            $known->look(static function (string $name) use ($isOver, $newest): bool {
                return $name !== $newest && $isOver(100);
            });
            $isToEvict = $known->hasNext() && $isOver(100) && !$this->deadline->isOver();
        }
        $known->rewind();
    }

    /** Without the count, it removes files only if those that it has time to read are over a limit. */
    private function evictUncounted(string $newest): void
    {
        $names = $this->names($this->deadline->halfway());
        $now = [count($names), $this->bytes($names)];
        sort($names, SORT_STRING);
        foreach ($this->isOver($now, 0) ? $names : [] as $name) {
            if (!$this->isOver($now, 100) || $this->deadline->isOver()) {
                break;
            }
            $size = self::size("$this->directory/$name");
            if ($name !== $newest && unlink("$this->directory/$name")) {
                $now = [$now[0] - 1, max(0, $now[1] - $size)];
            }
        }
    }

    /** @return list<string> names of profiles, as many as it has time to read */
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
                break;
            }
        }
        return $names;
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
