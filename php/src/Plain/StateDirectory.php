<?php

namespace Transmit\Plain;

use Transmit\BufferDirectory;
use Transmit\Settings;

/**
 * The directory in which the PHP processes of one user share their back-offs and when each line was logged.
 *
 * An OwnDirectory in the temp directory, else in a buffer directory, which is made if need be.
 */
final class StateDirectory
{
    /** @var array{string, string|null}|null the temp directory, and what was found */
    private static $found = null;

    public static function path(): ?string
    {
        $temp = sys_get_temp_dir();
        if (self::$found === null || self::$found[0] !== $temp || !OwnDirectory::isOwn((string) self::$found[1])) {
            self::$found = [$temp, self::find(array_merge([$temp], Settings::current()->bufferDirs))];
        }
        return self::$found[1];
    }

    /** @param list<string> $parents the first one counts that can be used: all processes have to find the same */
    private static function find(array $parents): ?string
    {
        foreach ($parents as $parent) {
            is_dir($parent) || BufferDirectory::create($parent);
            $path = OwnDirectory::in($parent, OwnDirectory::FEW);
            if ($path !== null) {
                return $path;
            }
        }
        return null;
    }
}
