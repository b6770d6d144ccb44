<?php

namespace Transmit\Profiler;

/**
 * The request that PHP has just served, in a few words.
 */
final class HttpRequest
{
    /**
     * @param bool|list<string> $query which query parameters to keep: all, or those of these names
     * @return array{correlation_id: string, url: string, method: string, status: int}
     */
    public static function describe($query): array
    {
        return [
            'correlation_id' => self::correlationId(),
            'url' => self::url($query),
            'method' => (string) ($_SERVER['REQUEST_METHOD'] ?? 'CLI'),
            'status' => (int) http_response_code(),
        ];
    }

    /** The caller's, if it looks like one; else a new one. */
    private static function correlationId(): string
    {
        foreach (['HTTP_X_CORRELATION_ID', 'HTTP_X_REQUEST_ID'] as $header) {
            $id = $_SERVER[$header] ?? '';
            if (is_string($id) && preg_match('/^[\w.:+\/=-]{1,128}$/D', $id) === 1) {
                return $id;
            }
        }
        return bin2hex(random_bytes(16));
    }

    /**
     * A query string may hold secrets.
     *
     * @param bool|list<string> $query
     */
    private static function url($query): string
    {
        $url = (string) ($_SERVER['REQUEST_URI'] ?? $_SERVER['SCRIPT_NAME'] ?? '');
        if ($query === true) {
            return $url;
        }
        [$path, $text] = explode('?', $url, 2) + [1 => ''];
        parse_str($query === false ? '' : $text, $given);
        $kept = http_build_query(array_intersect_key($given, array_flip((array) $query)));
        return $kept === '' ? $path : "$path?$kept";
    }
}
