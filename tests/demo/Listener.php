<?php

namespace Transmit\Demo;

/**
 * A bound Unix datagram socket, and what is said about the profiles that it receives.
 */
final class Listener
{
    /** More than any datagram that the kernel takes. */
    private const DATAGRAM_BYTES = 1 << 24;

    /** TRANSMIT_MAX_LENGTH, and room for "_meta". */
    private const FILE_BYTES = (64 << 20) + 1024;

    private const TYPE = 0170000;
    private const IS_FILE = 0100000;
    private const IS_SOCKET = 0140000;

    /** @var resource */
    private $socket;

    public function __construct(string $path)
    {
        $old = @lstat($path);
        if ($old !== false && ($old['mode'] & self::TYPE) === self::IS_SOCKET) {
            unlink($path); // a killed listener's: bind does not take its place
        }
        // Not chmod(): who may write to the directory can put a link in the socket's place, also to a file of root's.
        $before = umask(0111);
        $this->socket = stream_socket_server("udg://$path", $number, $error, STREAM_SERVER_BIND);
        umask($before);
        if ($this->socket === false) {
            fwrite(STDERR, "$path: $error\n");
            exit(1);
        }
    }

    public function emptyBuffer(string $directory): void
    {
        $stat = lstat($directory);
        $isShared = $stat !== false && ($stat['mode'] & 0022) !== 0;
        $isDirectory = $stat !== false && ($stat['mode'] & self::TYPE) === 0040000;
        if (!$isDirectory || ($isShared && ($stat['mode'] & 01000) === 0)) {
            fwrite(STDERR, "$directory: not a directory, or others may exchange the files in it\n");
            return;
        }
        // The names begin with the time, and glob sorts. A name that matches is a whole file.
        foreach (glob("$directory/profile_*.json") as $path) {
            $json = self::read($path, $isShared ? null : $stat['uid']);
            if ($json !== null) {
                self::tell($json, 'from disk');
                unlink($path);
            }
        }
    }

    public function run(): void
    {
        while (($json = stream_socket_recvfrom($this->socket, self::DATAGRAM_BYTES)) !== false) {
            self::tell($json, sprintf('%.1f ms on its way', self::ageMs($json)));
        }
    }

    /**
     * A regular file with one name, so that nobody gives us another user's. PHP has no O_NOFOLLOW: what was opened must
     * be what lstat saw. "n": a FIFO that takes the file's place in between is not waited for.
     *
     * @param int|null $owner null: a sticky directory has files of several users
     */
    private static function read(string $path, ?int $owner): ?string
    {
        clearstatcache();
        $seen = @lstat($path);
        $isProfile = $seen !== false && ($seen['mode'] & self::TYPE) === self::IS_FILE && $seen['nlink'] === 1
            && in_array($owner, [null, $seen['uid']], true) && $seen['size'] <= self::FILE_BYTES;
        $file = $isProfile ? @fopen($path, 'rbn') : false;
        if ($file === false) {
            return null;
        }
        $opened = fstat($file);
        $isSame = [$opened['dev'], $opened['ino'], $opened['nlink']] === [$seen['dev'], $seen['ino'], 1];
        $json = $isSame ? stream_get_contents($file, self::FILE_BYTES) : false;
        fclose($file);
        return $json === false ? null : $json;
    }

    private static function ageMs(string $json): float
    {
        $timestamp = json_decode($json, true)['_meta']['timestamp'] ?? 0.0;
        return (microtime(true) - (is_numeric($timestamp) ? $timestamp : 0.0)) * 1000;
    }

    private static function tell(string $json, string $how): void
    {
        $profile = json_decode($json, true);
        $id = substr(self::text($profile['correlation_id'] ?? '-'), 0, 12);
        $url = self::text($profile['url'] ?? '-');
        $ms = self::number($profile['elapsed_ms'] ?? 0);
        $lines = sprintf("%s  %s  %.1f ms  %s bytes, %s\n", $id, $url, $ms, strlen($json), $how);
        $functions = $profile['xhprof']['profiling']['top_functions'] ?? [];
        foreach (is_array($functions) ? array_slice($functions, 0, 3) : [] as $function) {
            $ms = self::number($function['exclusive_wall_ms'] ?? 0);
            $lines .= sprintf("    %8.1f ms in %s\n", $ms, self::text($function['function'] ?? '-'));
        }
        echo $lines; // at once, for whoever reads them from a file
    }

    /**
     * For a terminal, which takes control characters for commands. Whoever may write to the socket has chosen them.
     *
     * @param mixed $value
     */
    private static function text($value): string
    {
        $text = is_scalar($value) ? (string) $value : '-';
        return (string) preg_replace('/[^\x20-\x7e]/', '?', $text);
    }

    /** @param mixed $value */
    private static function number($value): float
    {
        return is_numeric($value) ? (float) $value : 0.0;
    }
}
