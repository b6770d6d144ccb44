<?php

namespace Transmit\Test;

/**
 * The folder in which all tests make their files. It is removed when the process ends.
 */
final class Scratch
{
    private static string $root;

    public static function begin(): void
    {
        self::$root = '/tmp/tt' . bin2hex(random_bytes(4));
        mkdir(self::$root, 0700);
        putenv('TMPDIR=' . self::$root);
        $process = getmypid();
        register_shutdown_function(static function () use ($process): void {
            if (getmypid() === $process) {
                self::remove(self::$root);
            }
        });
    }

    public static function root(): string
    {
        return self::$root;
    }

    public static function folder(): string
    {
        $folder = self::$root . '/' . bin2hex(random_bytes(3));
        mkdir($folder, 0755);
        return $folder;
    }

    /** Makes $owner the owner of $path; of a link itself, which lchown() of a PHP with threads would follow. */
    public static function give(string $path, int $owner): void
    {
        if (!is_link($path)) {
            chown($path, $owner);
            return;
        }
        exec("chown -h $owner " . escapeshellarg($path), $said, $status);
        clearstatcache();
        if ($status !== 0 || lstat($path)['uid'] !== $owner) {
            throw new \RuntimeException("$path does not belong to user $owner");
        }
    }

    public static function remove(string $path): void
    {
        if (is_dir($path) && !is_link($path)) {
            // The library's writer may still be looking after a buffer directory.
            for ($try = 0; $try < 100 && is_dir($path); $try++) {
                foreach (array_diff(scandir($path), ['.', '..']) as $name) {
                    self::remove("$path/$name");
                }
                @rmdir($path) || usleep(10000);
            }
        } elseif (is_link($path) || file_exists($path)) {
            unlink($path);
        }
    }
}
