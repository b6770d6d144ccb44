<?php

namespace Transmit\Test;

/**
 * Runs a PHP program in a process of its own: exit, fatal errors, fork, other settings.
 */
final class Program
{
    /** php's options for no php.ini. Before PHP 8, json is an extension, which Debian has in a file. */
    public const BARE = PHP_VERSION_ID < 80000 ? ['-n', '-d', 'extension=json'] : ['-n'];

    /**
     * Writes one that has the functions, $dirs as its buffer directories, and a socket that is not there.
     *
     * @param list<string> $dirs
     * @return string its path
     */
    public static function write(string $folder, array $dirs, string $body, string $library = ''): string
    {
        $config = var_export(['listener_socket' => "$folder/s", 'buffer_dirs' => $dirs], true);
        $library = $library === 'native' ? 'null' : "'$library'";
        $transmitter = dirname(__DIR__, 2) . '/php/transmitter.php';
        $config = "(\$GLOBALS['more'] ?? []) + $config + ['library' => $library]";
        $source = "<?php\nfunction get_profiling_config(): array { return $config; }\n"
            . "\$dirs = get_profiling_config()['buffer_dirs'];\n"
            . (strpos($body, 'auto_prepend') === false ? "require '$transmitter';\n" : '') . $body . "\n";
        $path = "$folder/program.php";
        file_put_contents($path, $source);
        return $path;
    }

    /** @return array{output: string, errors: string, status: int} */
    public static function run(string $command): array
    {
        $process = proc_open($command, [1 => ['pipe', 'w'], 2 => ['pipe', 'w']], $pipes);
        $output = stream_get_contents($pipes[1]);
        $errors = stream_get_contents($pipes[2]);
        return ['output' => $output, 'errors' => $errors, 'status' => proc_close($process)];
    }
}
