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

    /** Returns the header's value if it looks like an id, otherwise a new id. A visitor can send any header. */
    private static function correlationId(string $headerName): string
    {
        $id = $headerName === '' ? null : $_SERVER['HTTP_' . strtr(strtoupper($headerName), '-', '_')] ?? null;
        $isId = is_string($id) && preg_match('/^[\w.:+\/=-]{1,128}$/D', $id) === 1;
        return $isId ? $id : bin2hex(random_bytes(16));
    }

    /**
     * Removes what may be secret: the query string, a fragment, ";jsessionid=…" and "//user:password@", encoded or not.
     * Encodes all characters but visible ASCII, as a browser does.
     *
     * @param bool|list<string> $query parameters to keep: true for all, or their names
     */
    private static function url($query): string
    {
        $url = (string) ($_SERVER['REQUEST_URI'] ?? $_SERVER['SCRIPT_NAME'] ?? '');
        if (preg_match('~^[A-Za-z0-9/._-]*$~D', $url) === 1) {
            return $url; // as most are
        }
        [$path, $text] = explode('?', $url, 2) + [1 => ''];
        $path = self::withoutUser((string) preg_replace('~#.*|%(?:25)*3f.*~is', '', $path), '');
        // Removes a session id, and the user of a URL that begins with it, as the method CONNECT has it.
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

    /** Removes "user:password@" after "//" or ":/", in any spelling. Its time is linear in the length of the text. */
    private static function withoutUser(string $text, string $end): string
    {
        $slash = '(?:[/\\\\]|%(?:25)*(?:2f|5c))';
        $pattern = "~((?::|%(?:25)*3a)$slash{1,3}|$slash{2})([^/\\\\\\\\?#$end]*)~i";
        return (string) preg_replace_callback($pattern, static function (array $found): string {
            return $found[1] . preg_replace('~^.*(?:@|%(?:25)*40)~is', '', $found[2]);
        }, $text);
    }
}
