<?php

namespace Transmit\Profiler;

/**
 * The request that PHP has just served, in a few words.
 */
final class HttpRequest
{
    /** @return array{correlation_id: string, url: string, method: string, status: int} */
    public static function describe(bool $withQuery): array
    {
        return [
            'correlation_id' => self::correlationId(),
            'url' => self::url($withQuery),
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

    /** A query string may hold secrets. */
    private static function url(bool $withQuery): string
    {
        $url = (string) ($_SERVER['REQUEST_URI'] ?? $_SERVER['SCRIPT_NAME'] ?? '');
        return $withQuery ? $url : explode('?', $url, 2)[0];
    }
}
