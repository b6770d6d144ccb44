<?php

namespace Transmit\Profiler;

/**
 * The request that PHP has just served, in a few words.
 */
final class HttpRequest
{
    /** @return array{correlation_id: string, url: string, method: string, status: int} */
    public static function describe(Options $options): array
    {
        $method = $_SERVER['REQUEST_METHOD'] ?? 'CLI';
        return [
            'correlation_id' => self::correlationId($options->correlationIdHeader),
            'url' => self::url($options->urlQuery),
            'method' => is_string($method) && preg_match('/^[\w-]{1,32}$/D', $method) === 1 ? $method : 'other',
            'status' => (int) http_response_code(),
        ];
    }

    /** The header's value, if it looks like an id; else a new one. A visitor can send any header. */
    private static function correlationId(string $headerName): string
    {
        $id = $_SERVER['HTTP_' . strtr(strtoupper($headerName), '-', '_')] ?? '';
        $isId = $headerName !== '' && is_string($id) && preg_match('/^[\w.:+\/=-]{1,128}$/D', $id) === 1;
        return $isId ? $id : bin2hex(random_bytes(16));
    }

    /**
     * A query string may hold secrets, and so may ";jsessionid=…" and "//user:password@".
     *
     * @param bool|list<string> $query which parameters to keep: all, or those of these names
     */
    private static function url($query): string
    {
        $url = (string) ($_SERVER['REQUEST_URI'] ?? $_SERVER['SCRIPT_NAME'] ?? '');
        $url = (string) preg_replace('~([/\\\\]{2}|%2f%2f)[^/\\\\?#&]*(?:@|%40)~i', '$1', $url);
        if ($query === true) {
            return $url;
        }
        [$path, $text] = explode('?', $url, 2) + [1 => ''];
        $path = (string) preg_replace('~[;#][^/]*~', '', $path);
        parse_str(is_array($query) ? $text : '', $given);
        $kept = http_build_query(array_intersect_key($given, array_flip(is_array($query) ? $query : [])));
        return $kept === '' ? $path : "$path?$kept";
    }
}
