<?php

namespace Transmit\Plain;

use Transmit\Quiet;

/**
 * Follows a path, one part at a time, and checks each directory and each link, so that no other user can replace a part
 * that was checked. buffer/path.go does the same.
 */
final class TrustedPath
{
    private const TYPE = 0170000;
    private const IS_DIRECTORY = 0040000;
    private const IS_LINK = 0120000;
    private const STICKY = 01000;
    private const WRITABLE_BY_GROUP = 0020;
    private const WRITABLE_BY_OTHERS = 0002;
    private const MAX_LINKS = 40;

    private int $user;

    /** @var string the part that was followed, without links; "": the root */
    private string $at = '';

    /** @var list<string> the parts that are not followed yet */
    private array $rest = [];

    private int $links = 0;

    /** @return array{string, string} the trusted beginning of the path, without links; why the rest is not trusted, or "" */
    public static function examine(string $path): array
    {
        if (strncmp($path, '/', 1) !== 0) {
            return ['', 'not an absolute path'];
        }
        $self = new self();
        $self->user = Directory::user();
        $self->add($path);
        $why = $self->look('');
        while ($why === '' && $self->rest !== []) {
            $why = $self->step(array_shift($self->rest));
        }
        return [$self->at === '' ? '/' : $self->at, $why];
    }

    private function add(string $path): void
    {
        $parts = array_filter(explode('/', $path), static function (string $part): bool {
            return $part !== '' && $part !== '.';
        });
        $this->rest = array_merge(array_values($parts), $this->rest);
    }

    /** @return string why not to go on; "" to go on */
    private function step(string $part): string
    {
        if ($part === '..') {
            $this->at = substr($this->at, 0, (int) strrpos($this->at, '/'));
            return '';
        }
        return $this->look("$this->at/$part");
    }

    private function look(string $path): string
    {
        clearstatcache();
        $stat = lstat($path === '' ? '/' : $path);
        if ($stat === false) {
            return $this->unseen($path);
        }
        $type = $stat['mode'] & self::TYPE;
        if ($type === self::IS_LINK && $this->rest !== []) {
            return $this->follow($path, $stat['uid']);
        }
        $why = $type === self::IS_DIRECTORY ? $this->distrust($stat['uid'], $stat['mode']) : 'not a directory';
        if ($why === '') {
            $this->at = $path;
        }
        return $why === '' || $this->rest === [] ? $why : "$path: $why";
    }

    /** A parent that open_basedir hides is trusted: the administrator has named a directory below it. */
    private function unseen(string $path): string
    {
        if ($this->rest !== [] && strpos(Quiet::lastWarning(), 'open_basedir') !== false) {
            $this->at = $path;
            return '';
        }
        return 'no such directory';
    }

    /** Follows a link if this user or root owns it. */
    private function follow(string $path, int $owner): string
    {
        if ($owner !== $this->user && $owner !== 0) {
            return "$path: belongs to another user";
        }
        if (++$this->links > self::MAX_LINKS) {
            return 'too many levels of symbolic links';
        }
        $target = (string) readlink($path);
        $this->add($target);
        if (strncmp($target, '/', 1) === 0) {
            $this->at = '';
        }
        return '';
    }

    private function distrust(int $owner, int $mode): string
    {
        if ($owner !== $this->user && $owner !== 0) {
            return 'belongs to another user';
        }
        if (($mode & self::STICKY) !== 0 || ($mode & (self::WRITABLE_BY_GROUP | self::WRITABLE_BY_OTHERS)) === 0) {
            return '';
        }
        $who = ($mode & self::WRITABLE_BY_OTHERS) !== 0 ? 'everybody' : 'its group';
        return "$who may write to it, and it is not sticky";
    }
}
