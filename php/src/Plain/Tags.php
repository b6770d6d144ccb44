<?php

namespace Transmit\Plain;

use Transmit\BufferDirectory;

/**
 * Tells which listener a profile is for, as buffer/state.go does. The first four of the eight hexadecimal digits in a
 * file's name are the listener's number (its tag): a hash of its path, or the next free number. A file named after the
 * number has the path.
 *
 * If no listener has a profile's number, an older version or another program wrote it.
 */
final class Tags
{
    private const MAX_LISTENER = 1000;
    private const MAX_TRIES = 256;

    /** This listener's number: four digits. */
    public string $own;

    /** The user's OwnDirectory in the buffer directory; null: there is none. */
    public ?string $state;

    /** @var array<string, true>|null the numbers that listeners have; null: not read yet */
    private ?array $taken = null;

    /** @param int $maxUs limits the search for the OwnDirectory if another user has taken its name; 0: no limit */
    public static function read(string $directory, string $listener, int $maxUs = 0): self
    {
        $self = new self();
        $self->state = OwnDirectory::in($directory, $maxUs);
        $listener = substr($listener, 0, self::MAX_LISTENER);
        $self->own = self::number($listener, $self->state) ?? $self->free(crc32($listener));
        return $self;
    }

    /** As read(), but creates no file. */
    public static function look(string $directory, string $listener, int $maxUs = 0): self
    {
        $self = new self();
        $self->state = OwnDirectory::find($directory, $maxUs);
        $self->own = sprintf('%04x', crc32($listener) & 0xFFFF);
        foreach ($self->listeners() as $tag => $holder) {
            if ($holder === $listener) {
                $self->own = (string) $tag;
            }
        }
        return $self;
    }

    /** Whether the listener has a number in this directory. */
    public static function isKnown(string $directory, string $listener): bool
    {
        $holders = self::look($directory, $listener, OwnDirectory::BRIEF_US)->listeners();
        return in_array(substr($listener, 0, self::MAX_LISTENER), $holders, true);
    }

    /** The eight digits of a new profile's name. The last one is even or odd. */
    public function digits(int $lastBit): string
    {
        return $this->own . sprintf('%04x', 2 * random_int(0, 0x7FFF) + $lastBit);
    }

    /** Whether a file counts within this listener's limits, because it is not for another listener. */
    public function counts(string $name): bool
    {
        $tag = self::of($name);
        return $tag === $this->own || !isset($this->taken()[$tag]);
    }

    /** Whether a replay may send a file to this listener. A file without a listener may go to the only one. */
    public function mayBeSent(string $name): bool
    {
        return self::of($name) === $this->own || $this->isAlone() && $this->counts($name);
    }

    public function isAlone(): bool
    {
        return array_diff_key($this->taken(), [$this->own => true]) === [];
    }

    /**
     * The paths of the listeners that have a number.
     *
     * @return array<string, string> by number
     */
    public function listeners(): array
    {
        $listeners = [];
        foreach (array_keys($this->taken()) as $tag) {
            $listeners[(string) $tag] = self::holder("$this->state/listener-$tag");
        }
        return $listeners;
    }

    /** The tag in a profile's name. */
    public static function of(string $name): string
    {
        return substr($name, -13, 4);
    }

    /** @return array<string, true> */
    private function taken(): array
    {
        if ($this->taken === null) {
            $this->taken = [];
            foreach ($this->state === null ? [] : BufferDirectory::names($this->state) as $name) {
                if (preg_match('/^listener-[0-9a-f]{4}$/D', $name) === 1) {
                    $this->taken[substr($name, -4)] = true;
                }
            }
        }
        return $this->taken;
    }

    /** A free number, for a listener that could get none of its own. */
    private function free(int $first): string
    {
        for ($try = 0; $try < 0xFFFF && isset($this->taken()[sprintf('%04x', $first & 0xFFFF)]); $try++) {
            $first++;
        }
        return sprintf('%04x', $first & 0xFFFF);
    }

    /** @return string|null the listener's number; null: too many are taken */
    private static function number(string $listener, ?string $state): ?string
    {
        $first = crc32($listener);
        for ($try = 0; $state !== null && $try < self::MAX_TRIES; $try++) {
            $tag = sprintf('%04x', ($first + $try) & 0xFFFF);
            $holder = self::holder("$state/listener-$tag");
            if ($holder === '') {
                self::take("$state/listener-$tag", $listener);
            }
            if ($holder === '' || $holder === $listener) {
                return $tag;
            }
        }
        return null;
    }

    /** The listener that has a number; "" if none has, or if a power failure has emptied the file. */
    private static function holder(string $path): string
    {
        if (Directory::file($path) === null) {
            return '';
        }
        return trim((string) file_get_contents($path, false, null, 0, 4096), "\0");
    }

    /** Writes the listener's path to the number's file. Without room for it, the number is used until another takes it. */
    private static function take(string $path, string $listener): void
    {
        $temporary = FileSize::allows(strlen($listener)) ? tempnam(dirname($path), 't') : false;
        if ($temporary === false) {
            return;
        }
        $isWritten = dirname($temporary) === dirname($path)
            && file_put_contents($temporary, $listener) === strlen($listener);
        if (!$isWritten || !rename($temporary, $path)) {
            unlink($temporary);
        }
    }
}
