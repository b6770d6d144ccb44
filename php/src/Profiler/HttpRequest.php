<?php

namespace Transmit\Profiler;

/**
 * The fields of a profile that describe the HTTP request.
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
     * A query string may hold secrets, and so may a fragment, ";jsessionid=…" and "//user:password@", encoded or not.
     * What is no visible ASCII character is encoded, as a browser does it.
     *
     * @param bool|list<string> $query which parameters to keep: all, or those of these names
     */
    private static function url($query): string
    {
        $url = (string) ($_SERVER['REQUEST_URI'] ?? $_SERVER['SCRIPT_NAME'] ?? '');
        [$path, $text] = explode('?', $url, 2) + [1 => ''];
        $path = self::withoutUser((string) preg_replace('~#.*|%(?:25)*3f.*~is', '', $path), '');
        // A session id; and the user where there is no slash before, as CONNECT has it.
        $path = (string) preg_replace(['~(?:;|%(?:25)*3b)[^/]*~i', '~^[^/]*@~'], '', $path);
        $text = self::withoutUser($text, '&');
        if (is_array($query)) {
            parse_str($text, $given);
            $text = http_build_query(array_intersect_key($given, array_flip($query)));
        }
        $kept = $query === false || $text === '' ? '' : "?$text";
        return (string) preg_replace_callback('/[^\x21-\x7e]+/', static function (array $found): string {
            return rawurlencode($found[0]);
        }, $path . $kept);
    }

    /** Without "user:password@" behind "//" or ":/", in whatever spelling. Goes through the text once, however long. */
    private static function withoutUser(string $text, string $end): string
    {
        $slash = '(?:[/\\\\]|%(?:25)*(?:2f|5c))';
        $pattern = "~((?::|%(?:25)*3a)$slash{1,3}|$slash{2})([^/\\\\\\\\?#$end]*)~i";
        return (string) preg_replace_callback($pattern, static function (array $found): string {
            return $found[1] . preg_replace('~^.*(?:@|%(?:25)*40)~is', '', $found[2]);
        }, $text);
    }
}
