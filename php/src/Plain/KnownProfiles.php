<?php

namespace Transmit\Plain;

use Transmit\BufferDirectory;

/**
 * The names and sizes of the profiles in a buffer directory, oldest first, as far as plain PHP knows them.
 *
 * PHP cannot continue to read a directory where an earlier call has stopped. So each writer adds its profile to a list,
 * in numbered files of some names each. To look at all the profiles of a large directory may then take several calls.
 * Use it only with the lock of the state file that keeps its text().
 */
final class KnownProfiles
{
    private const PER_LIST = 100;

    /** A list of so many bytes must be allowed. */
    public const LIST_BYTES = self::PER_LIST * 64;

    public int $files = 0;
    public int $bytes = 0;

    private string $directory;
    private string $lists;

    /** All profiles that were ever added. */
    private int $added = 0;

    /** The number of the oldest list that may have a name. */
    private int $first = 0;

    /** The lists before this one were looked at, and had so many files and bytes. */
    private int $next = 0;
    private int $seenFiles = 0;
    private int $seenBytes = 0;

    /** @param string $lists a directory of this user's own, which is created */
    public function __construct(string $directory, string $lists)
    {
        $this->directory = $directory;
        $this->lists = $lists;
    }

    /** @return bool whether it is the text of such an object */
    public function load(string $text): bool
    {
        $numbers = array_map('intval', explode(' ', $text));
        if (count($numbers) !== 7) {
            return false;
        }
        [$this->files, $this->bytes, $this->added, $this->first, $this->next] = $numbers;
        [, , , , , $this->seenFiles, $this->seenBytes] = $numbers;
        return true;
    }

    public function text(): string
    {
        return "$this->files $this->bytes $this->added $this->first $this->next $this->seenFiles $this->seenBytes";
    }

    /** Forgets all, and removes the lists. */
    public function clear(): void
    {
        if (lstat($this->lists) === false) {
            mkdir($this->lists, 0700);
        }
        foreach (BufferDirectory::names($this->lists) as $name) {
            is_numeric($name) && unlink("$this->lists/$name");
        }
        $this->files = $this->bytes = $this->added = $this->first = 0;
        $this->rewind();
    }

    /**
     * Adds profiles, which are newer than all the others.
     *
     * @param list<string> $names
     * @param int $size of each; it may be an estimate, because look() corrects it
     */
    public function add(array $names, int $size): void
    {
        for ($at = 0; $at < count($names); $at += count($some)) {
            $some = array_slice($names, $at, self::PER_LIST - $this->added % self::PER_LIST);
            $text = implode('', array_map(static function (string $name) use ($size): string {
                return "$name $size\n";
            }, $some));
            $isNew = $this->added % self::PER_LIST === 0;
            if (!self::append($this->list($this->last()), $text, $isNew)) {
                return; // what is not in a list is not counted
            }
            $this->added += count($some);
            $this->files += count($some);
            $this->bytes = BufferLimits::sum($this->bytes, $size * count($some));
        }
    }

    /** Begins again with the oldest profiles. */
    public function rewind(): void
    {
        while ($this->first < $this->last() && lstat($this->list($this->first)) === false) {
            $this->first++;
        }
        $this->next = $this->first;
        $this->seenFiles = $this->seenBytes = 0;
    }

    /** Whether there are profiles that were not looked at since rewind(). If not, the totals are those that were seen. */
    public function hasNext(): bool
    {
        $hasNext = $this->next <= $this->last();
        if (!$hasNext) {
            [$this->files, $this->bytes] = [$this->seenFiles, $this->seenBytes];
        }
        return $hasNext;
    }

    /**
     * Looks at the next list, and forgets profiles that are gone.
     *
     * @param callable(string): bool $isToRemove takes a name
     */
    public function look(callable $isToRemove): void
    {
        $list = $this->list($this->next++);
        $lines = Directory::file($list) === null ? [] : (file($list) ?: []);
        $kept = '';
        foreach ($lines as $line) {
            [$name, $size] = explode(' ', "$line ");
            $stat = Directory::ownFile("$this->directory/$name");
            $isGone = $stat === null || $isToRemove($name) && unlink("$this->directory/$name");
            $this->files = max(0, $this->files - ($isGone ? 1 : 0));
            $this->bytes = max(0, $this->bytes - (int) $size);
            if (!$isGone) {
                $this->seenFiles++;
                $this->seenBytes = BufferLimits::sum($this->seenBytes, $stat['size']);
                $this->bytes = BufferLimits::sum($this->bytes, $stat['size']);
                $kept .= "$name $stat[size]\n";
            }
        }
        if ($kept !== implode('', $lines)) {
            unlink($list); // ext4 would sync a truncated file at close
            $kept === '' || self::append($list, $kept, true);
        }
    }

    private static function append(string $list, string $text, bool $isNew): bool
    {
        $isWritten = file_put_contents($list, $text, FILE_APPEND) === strlen($text);
        if ($isNew) {
            chmod($list, 0600); // whatever the umask is
        }
        return $isWritten;
    }

    private function last(): int
    {
        return intdiv($this->added, self::PER_LIST);
    }

    private function list(int $number): string
    {
        return "$this->lists/$number";
    }
}
