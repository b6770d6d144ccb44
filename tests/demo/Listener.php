<?php

namespace Transmit\Demo;

/**
 * A bound Unix datagram socket, and what is said about the profiles that it receives.
 */
final class Listener
{
    /** More than any datagram that the kernel takes. */
    private const DATAGRAM_BYTES = 1 << 24;

    /** @var resource */
    private $socket;

    public function __construct(string $path)
    {
        if (file_exists($path)) {
            unlink($path); // a killed listener's: bind does not take its place
        }
        $this->socket = stream_socket_server("udg://$path", $number, $error, STREAM_SERVER_BIND);
        if ($this->socket === false) {
            fwrite(STDERR, "$path: $error\n");
            exit(1);
        }
        chmod($path, 0666);
    }

    public function emptyBuffer(string $directory): void
    {
        // The names begin with the time, and glob sorts. A name that matches is a whole file.
        foreach (glob("$directory/profile_*.json") as $file) {
            self::tell((string) file_get_contents($file), 'from disk');
            unlink($file);
        }
    }

    public function run(): void
    {
        while (($json = stream_socket_recvfrom($this->socket, self::DATAGRAM_BYTES)) !== false) {
            self::tell($json, sprintf('%.1f ms on its way', self::ageMs($json)));
        }
    }

    private static function ageMs(string $json): float
    {
        return (microtime(true) - (json_decode($json, true)['_meta']['timestamp'] ?? 0.0)) * 1000;
    }

    private static function tell(string $json, string $how): void
    {
        $profile = json_decode($json, true);
        $id = substr($profile['correlation_id'] ?? '-', 0, 12);
        $url = $profile['url'] ?? '-';
        printf("%s  %s  %.1f ms  %s bytes, %s\n", $id, $url, $profile['elapsed_ms'] ?? 0, strlen($json), $how);
        foreach (array_slice($profile['xhprof']['profiling']['top_functions'] ?? [], 0, 3) as $function) {
            printf("    %8.1f ms in %s\n", $function['exclusive_wall_ms'] ?? 0, $function['function'] ?? '-');
        }
    }
}
