<?php

namespace Transmit\Doctor;

use Transmit\BufferDirectory;
use Transmit\Plain\BufferFile;
use Transmit\Deadline;
use Transmit\OpenBasedir;
use Transmit\Plain\Directory;
use Transmit\Result;
use Transmit\Settings;

/**
 * Checks the buffer directories. It creates none, because other users could not use one that root has created.
 */
final class Buffer
{
    /** If a file is older than this, no program collects the files. */
    private const FORGOTTEN_SECONDS = 3600;
    private const REHEARSALS = 3;
    private const REHEARSAL_US = 2000000;

    private Settings $settings;

    /** @var list<Finding> */
    private array $findings = [];

    /** Whether to write a test file. */
    private bool $isToRehearse;

    /** @return list<Finding> */
    public static function examine(Settings $settings, bool $isToRehearse = true): array
    {
        $self = new self();
        $self->settings = $settings;
        $self->isToRehearse = $isToRehearse;
        $isFound = false;
        foreach (array_unique($settings->bufferDirs) as $directory) {
            $isFound = $self->candidate($directory, $isFound) || $isFound;
        }
        if (!$isFound) {
            $self->findings[] = Finding::warn(
                'buffer',
                'there is none: what the listener does not take is lost',
                'make /var/lib/bitville-apm/buffer, owned by PHP\'s user (' . System::user() . '), mode 0750'
                . (OpenBasedir::isOn() ? '; name one of this site\'s own in buffer_dirs and in open_basedir' : '')
            );
        }
        return $self->findings;
    }

    /** @return bool whether the directory can be used */
    private function candidate(string $directory, bool $isFound): bool
    {
        $problem = BufferDirectory::problem($directory);
        if (file_exists($directory) && $problem !== '') {
            $owner = System::ownership($directory);
            if ($isFound) {
                $text = "$directory is not needed, and not usable: $problem ($owner)";
                $this->findings[] = Finding::ok('buffer', $text);
                return false;
            }
            $remedy = 'make it a directory of mode 0750 that belongs to ' . System::user()
                . ', or take it out of buffer_dirs';
            $this->findings[] = Finding::warn('buffer', "$directory cannot be used: $problem ($owner)", $remedy);
            return false;
        }
        if ($problem !== '' && OpenBasedir::isOn()) {
            $this->findings[] = Finding::ok('buffer', "$directory is outside open_basedir, or not there: not used");
            return false;
        }
        if ($problem !== '') {
            $canBeMade = System::canMake($directory);
            $then = $canBeMade ? 'yet: it is made when it is needed' : 'and cannot be made by ' . System::user();
            $this->findings[] = Finding::ok('buffer', "$directory is not there $then");
            return $canBeMade;
        }
        $this->use($directory, $isFound);
        if (!$isFound && $this->isToRehearse) {
            $this->rehearse($directory);
        }
        return true;
    }

    private function use(string $directory, bool $isLater): void
    {
        $use = $isLater ? 'not in use, because one before it is' : 'in use';
        $backlog = new Backlog($directory, $this->settings->listenerSocket);
        [$files, $bytes, $oldest] = [$backlog->files, $backlog->bytes, $backlog->oldest];
        $age = $oldest === '' ? 0 : time() - (Directory::file("$directory/$oldest")['mtime'] ?? time());
        $free = System::ask('disk_free_space', $directory);
        $text = "$directory: $use; " . System::ownership($directory) . '; '
            . "$files profiles, " . System::bytes($bytes) . ($files > 0 ? ', the oldest ' . System::duration($age) : '')
            . ($free === null ? '' : '; ' . System::bytes((float) $free) . ' free');
        if ($isLater && $files > 0) {
            $this->findings[] = Finding::warn('buffer', $text, 'they are from a time when no directory before it was'
                . ' usable: replay_disk_buffer() sends them, or move them to the directory in use');
        } elseif ($age > self::FORGOTTEN_SECONDS) {
            $this->findings[] = Finding::warn('buffer', $text, 'no program collects the files: let the listener'
                . ' watch the directory, or run cleanup_old_buffers() from a cron job');
        } elseif ($this->isNearlyFull($files, $bytes)) {
            $this->findings[] = Finding::warn(
                'buffer',
                "$text, near to the limits of " . $this->limits(),
                'let a program collect the files, or raise buffer_max_files and buffer_max_bytes: the oldest go first'
            );
        } else {
            $this->findings[] = Finding::ok('buffer', $text);
        }
        $this->findings = array_merge($this->findings, $backlog->findings());
    }

    private function isNearlyFull(int $files, int $bytes): bool
    {
        $isNear = static function (int $count, int $limit): bool {
            return $limit > 0 && $count > 0.9 * $limit;
        };
        return $isNear($files, $this->settings->bufferMaxFiles) || $isNear($bytes, $this->settings->bufferMaxBytes);
    }

    private function limits(): string
    {
        return "{$this->settings->bufferMaxFiles} files and " . System::bytes($this->settings->bufferMaxBytes);
    }

    /** Writes a test file. Repeats that if it takes long, because the machine may have been busy. */
    private function rehearse(string $directory): void
    {
        $text = str_repeat(' ', min(65536, $this->settings->maxDatagramSize));
        for ($try = 0; $try < self::REHEARSALS; $try++) {
            $start = hrtime(true);
            $deadline = Deadline::after($start, self::REHEARSAL_US);
            [$result, $why] = BufferFile::rehearse($text, $directory, $deadline);
            $us = intdiv(hrtime(true) - $start, 1000);
            if ($result !== Result::BUFFERED) {
                $this->findings[] = self::unwritable($directory, $why, strlen($text));
                return;
            }
            if ($us < $this->settings->timeoutUs) {
                break;
            }
        }
        $said = sprintf('%d bytes were written to %s, and removed, in %.1f ms', strlen($text), $directory, $us / 1000);
        $this->findings[] = $us < $this->settings->timeoutUs
            ? Finding::ok('disk', $said)
            : Finding::warn('disk', $said, 'put a directory on a faster, local disk first in buffer_dirs');
    }

    private static function unwritable(string $directory, string $why, int $size): Finding
    {
        $remedy = System::ask('disk_free_space', $directory) > $size
            ? 'see whether inodes (df -i) or a quota are used up, or the disk is read-only'
            : 'make room on the disk, or put another directory first in buffer_dirs';
        return Finding::warn('disk', "no profile can be written to $directory: $why", $remedy);
    }
}
