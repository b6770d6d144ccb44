<?php

namespace Transmit\Plain;

use Transmit\BufferDirectory;
use Transmit\Deadline;
use Transmit\Settings;

/**
 * The directory in which the PHP processes of one user share their back-offs and the times of log lines.
 *
 * It is an OwnDirectory in the temp directory, else in a buffer directory, which is created if necessary.
 */
final class StateDirectory
{
    /** After a search without a result, none begins for this time, because a search may take long. */
    private const SEARCH_AGAIN_US = 1000000;

    /** @var string|null */
    private static $found = null;

    /** @var array{string, Deadline}|null the temp directory of the last search, and the time until the next one */
    private static $search = null;

    public static function path(): ?string
    {
        $temp = sys_get_temp_dir();
        $isSearched = self::$search !== null && self::$search[0] === $temp
            && (self::$found === null ? !self::$search[1]->isOver() : OwnDirectory::isOwn(self::$found));
        if (!$isSearched) {
            self::$found = self::find([$temp]) ?? self::find(Settings::current()->bufferDirs);
            self::$search = [$temp, Deadline::after(Deadline::now(), self::SEARCH_AGAIN_US)];
        }
        return self::$found;
    }

    /** @param list<string> $parents the first usable one is chosen, so that all processes choose the same */
    private static function find(array $parents): ?string
    {
        foreach (array_unique($parents) as $parent) {
            is_dir($parent) || BufferDirectory::create($parent);
            $isTrusted = Directory::isTrusted($parent);
            $path = $isTrusted ? OwnDirectory::in($parent, OwnDirectory::BRIEF_US) : null;
            if ($path !== null) {
                return $path;
            }
        }
        return null;
    }
}
