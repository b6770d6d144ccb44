<?php

namespace Transmit\Doctor;

use Transmit\BufferDirectory;
use Transmit\Plain\BufferFile;
use Transmit\Plain\BufferLimits;
use Transmit\Plain\Directory;
use Transmit\Plain\Tags;

/**
 * Checks the buffered profiles: for which listener they are, and whether they can be replayed.
 */
final class Backlog
{
    private const HARD_LINKS = '/proc/sys/fs/protected_hardlinks';

    public int $files = 0;
    public int $bytes = 0;

    /** The name of the oldest file; "": there is none. */
    public string $oldest = '';

    private string $directory;
    private string $listener;
    private Tags $tags;

    /** @var array<string, int> the number of other listeners' files, by the listener's number; "": no listener has it */
    private array $others = [];

    public function __construct(string $directory, string $listener)
    {
        $this->directory = $directory;
        $this->listener = $listener;
        $this->tags = Tags::look($directory, $listener);
        foreach (BufferDirectory::names($directory) as $name) {
            $stat = preg_match(BufferFile::FINISHED, $name) === 1 ? Directory::ownFile("$directory/$name") : null;
            if ($stat !== null) {
                $this->add($name, $stat['size']);
            }
        }
    }

    private function add(string $name, int $size): void
    {
        if (!$this->tags->mayBeSent($name)) {
            $whose = $this->tags->counts($name) ? '' : Tags::of($name);
            $this->others[$whose] = ($this->others[$whose] ?? 0) + 1;
        }
        if ($this->tags->counts($name)) {
            $this->files++;
            $this->bytes = BufferLimits::sum($this->bytes, $size);
            $this->oldest = $this->oldest === '' ? $name : min($this->oldest, $name); // names begin with the time
        }
    }

    /** @return list<Finding> */
    public function findings(): array
    {
        return array_merge($this->neighbours(), $this->others(), $this->turn());
    }

    /** @return list<Finding> what other users can do in the directory */
    private function neighbours(): array
    {
        if (!Directory::isShared($this->directory)) {
            return [];
        }
        $isProtected = !is_readable(self::HARD_LINKS) || trim((string) file_get_contents(self::HARD_LINKS)) !== '0';
        $remedy = 'put a directory of mode 0750 that belongs to ' . System::user() . ' first in buffer_dirs';
        $text = "$this->directory: other users may make files in it; only regular files of " . System::user()
            . ' with one link count';
        return [$isProtected ? Finding::ok('buffer', $text) : Finding::warn('buffer', "$text, and they may give ours a"
            . ' second link (fs.protected_hardlinks is 0), so that they are never sent nor removed', $remedy)];
    }

    /** @return list<Finding> profiles that are not sent, because they are not for this listener */
    private function others(): array
    {
        $findings = [];
        $listeners = $this->tags->listeners();
        foreach ($this->others as $tag => $count) {
            $listener = $listeners[$tag] ?? null;
            $findings[] = $listener !== null
                ? Finding::ok('replay', "$count profiles in $this->directory are for the listener $listener")
                : Finding::warn(
                    'replay',
                    "it is not known for which listener $count profiles in $this->directory are: none of them is sent",
                    'move them to a directory of one listener\'s, or remove them (docs/buffer.md)'
                );
        }
        return $findings;
    }

    /** @return list<Finding> whether another process of this user replays now */
    private function turn(): array
    {
        $state = $this->tags->state;
        if ($state === null) {
            return []; // no process has needed it yet
        }
        $path = "$state/.transmit-replay-{$this->tags->own}-" . Directory::user();
        $file = Directory::ownFile($path) === null ? false : fopen($path, 'r');
        if ($file === false) {
            return [];
        }
        $isFree = flock($file, LOCK_SH | LOCK_NB);
        fclose($file);
        return $isFree ? [] : [Finding::ok('replay', "a process sends what is in $this->directory to"
            . " $this->listener; if nothing leaves the directory, it is stopped: fuser $path shows it")];
    }
}
