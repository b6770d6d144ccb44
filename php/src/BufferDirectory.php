<?php

namespace Transmit;

use Transmit\Plain\Directory;
use Transmit\Plain\Tags;
use Transmit\Plain\TrustedPath;

/**
 * Chooses the directory of the disk buffer, and lists its files.
 */
final class BufferDirectory
{
    private const MISSING = 'no such directory';

    /**
     * Returns the first usable candidate, without links in its path. It is created with mode 0755 if necessary.
     *
     * @param list<string> $candidates
     */
    public static function choose(array $candidates): ?string
    {
        foreach ($candidates as $candidate) {
            [$directory, $why] = TrustedPath::examine($candidate);
            if ($why === self::MISSING) {
                self::create($candidate); // another process may create it at the same time
                [$directory, $why] = TrustedPath::examine($candidate);
            }
            if ($why === '' && Directory::isWritable($directory)) {
                return $directory;
            }
        }
        return null;
    }

    /**
     * The directory of choose(), and the later candidates in which this listener has a number: they were used while no
     * earlier one was usable. None of these is created.
     *
     * @return list<string>
     */
    public static function inUse(Settings $settings): array
    {
        $directories = array_filter([self::choose($settings->bufferDirs)]);
        foreach ($settings->bufferDirs as $candidate) {
            [$directory, $why] = TrustedPath::examine($candidate);
            $isUsable = $why === '' && Directory::isWritable($directory);
            if ($isUsable && Tags::isKnown($directory, $settings->listenerSocket)) {
                $directories[] = $directory;
            }
        }
        return array_values(array_unique($directories));
    }

    /**
     * Yields the names in a directory one by one, because there may be very many.
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
            closedir($handle); // PHP itself keeps the last handle open
        }
    }

    /** Why the directory cannot be used now; "" if it can. */
    public static function problem(string $directory): string
    {
        $distrust = Directory::distrust($directory);
        return $distrust !== '' || Directory::isWritable($directory) ? $distrust : 'this user may not write to it';
    }

    /**
     * Creates the directory, unless it is the system's temp directory. On a PHP with threads, mkdir() follows a
     * dangling link and would create its target.
     */
    public static function create(string $directory): bool
    {
        clearstatcache();
        return $directory !== sys_get_temp_dir() && lstat($directory) === false && mkdir($directory, 0755, true);
    }
}
