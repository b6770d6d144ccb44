<?php

namespace Transmit\Doctor;

/**
 * Who may see a page that names paths and users.
 */
final class Access
{
    /**
     * Tells nothing to whoever comes along: $name is in the pool's configuration
     * (env[TRANSMIT_DOCTOR] = 1), or from --fpm. What a browser sends is called HTTP_….
     *
     * @param string $instead what the page says to everybody, in whole lines
     * @return bool false: that was the page
     */
    public static function isGranted(string $name, string $instead): bool
    {
        header('Content-Type: text/plain; charset=utf-8');
        header('Cache-Control: no-store');
        header('X-Content-Type-Options: nosniff');
        if (getenv($name) === '1') {
            return true;
        }
        http_response_code(403);
        echo "{$instead}For a page, set env[$name] = 1 in the pool, and let the web server ask who it is.\n";
        return false;
    }
}
