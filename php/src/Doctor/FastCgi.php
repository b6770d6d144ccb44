<?php

namespace Transmit\Doctor;

/**
 * Sends one request to php-fpm through its socket, so that the doctor runs in FPM itself.
 */
final class FastCgi
{
    private const BEGIN = 1;
    private const PARAMS = 4;
    private const STDIN = 5;
    private const STDOUT = 6;
    private const SECONDS = 30;
    private const MAX_BYTES = 1048576;

    /**
     * @param string $address a path, or host:port
     * @param array<string, string> $params
     * @return string|null headers and page; null: no answer
     */
    public static function request(string $address, array $params): ?string
    {
        $scheme = strpos($address, '/') === false ? 'tcp' : 'unix';
        $stream = @stream_socket_client("$scheme://$address", $number, $error, self::SECONDS);
        if ($stream === false) {
            fwrite(STDERR, "doctor: $address: $error\n");
            return null;
        }
        stream_set_timeout($stream, self::SECONDS);
        $pairs = '';
        foreach ($params as $name => $value) {
            $pairs .= pack('NN', strlen($name) | 1 << 31, strlen($value) | 1 << 31) . $name . $value;
        }
        fwrite($stream, self::record(self::BEGIN, pack('nCx5', 1, 0)) . self::record(self::PARAMS, $pairs)
            . self::record(self::PARAMS, '') . self::record(self::STDIN, ''));
        $page = self::page(self::read($stream, hrtime(true) + self::SECONDS * 1000000000));
        fclose($stream);
        return $page === '' ? null : $page;
    }

    /**
     * Limits the answer's size and time, because another program than php-fpm may answer.
     *
     * @param resource $stream
     * @param int $until the end, as a value of hrtime(true)
     */
    private static function read($stream, int $until): string
    {
        $records = '';
        while (!feof($stream) && strlen($records) < self::MAX_BYTES && hrtime(true) < $until) {
            $records .= (string) fread($stream, 65536);
        }
        return $records;
    }

    private static function record(int $type, string $content): string
    {
        return pack('CCnnxx', 1, $type, 1, strlen($content)) . $content;
    }

    /** Returns the headers and the page from the records of the answer. */
    private static function page(string $records): string
    {
        $page = '';
        while (strlen($records) >= 8) {
            $head = unpack('Cversion/Ctype/nid/nlength/Cpadding', $records);
            $page .= $head['type'] === self::STDOUT ? substr($records, 8, $head['length']) : '';
            $records = (string) substr($records, 8 + $head['length'] + $head['padding']);
        }
        return $page;
    }
}
