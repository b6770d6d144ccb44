<?php

namespace Transmit;

use Transmit\Plain\Directory;
use Transmit\Plain\TrustedPath;

/**
 * Chooses the directory of the disk buffer, and lists its files.
 */
final class BufferDirectory
{
    private const MISSING = 'no such directory';

    /**
     * The first of them that can be used, created 0755 if need be. Without links, whatever the candidate has.
     *
     * @param list<string> $candidates
     */
    public static function choose(array $candidates): ?string
    {
        foreach ($candidates as $candidate) {
            [$directory, $why] = TrustedPath::examine($candidate);
            if ($why === self::MISSING) {
                self::create($candidate); // or another process does, at the same time
                [$directory, $why] = TrustedPath::examine($candidate);
            }
            if ($why === '' && Directory::isWritable($directory)) {
                return $directory;
            }
        }
        return null;
    }

    /**
     * What is in it, one by one: it may be much.
     *
     * @return \Generator<int, string>
     */
    public static function names(string $directory): \Generator
    {
        $handle = opendir($directory);
        if ($handle === false) {
            return;
        }
        try {
            while (($name = readdir($handle)) !== false) {
                yield $name;
            }
        } finally {
            closedir($handle); // PHP itself keeps the last one open
        }
    }

    /** Why it cannot be used as it is now; "" if it can. */
    public static function problem(string $directory): string
    {
        $distrust = Directory::distrust($directory);
        return $distrust !== '' || Directory::isWritable($directory) ? $distrust : 'this user may not write to it';
    }

    /** The system's temp directory is not ours to make. */
    public static function create(string $directory): bool
    {
        return $directory !== sys_get_temp_dir() && mkdir($directory, 0755, true);
    }
}
