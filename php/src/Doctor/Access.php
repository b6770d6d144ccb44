<?php

namespace Transmit\Doctor;

/**
 * Decides who may see a page that names paths and users.
 */
final class Access
{
    /**
     * Grants access only if the web server's location for this page sets $name (nginx: fastcgi_param
     * TRANSMIT_DOCTOR 1), or if --fpm does. A browser cannot set it: request headers have names that begin with HTTP_.
     *
     * An environment variable of the whole pool grants nothing. It would open each copy of this file, such as one that
     * Composer has put below the document root.
     *
     * @param string $instead whole lines that are printed if access is refused
     * @return bool false: access is refused, and the page is printed
     */
    public static function isGranted(string $name, string $instead): bool
    {
        header('Content-Type: text/plain; charset=utf-8');
        header('Cache-Control: no-store');
        header('X-Content-Type-Options: nosniff');
        $isEverywhere = PHP_SAPI !== 'cli' && getenv($name, true) === '1'; // on the command line, the user has set it
        if (getenv($name) === '1' && !$isEverywhere) {
            return true;
        }
        http_response_code(403);
        echo $instead, $isEverywhere
            ? "$name is in the environment of the whole pool, where it opens every copy of this page: take it out.\n"
            : '', "For a page, let the web server set it for one location, and ask who it is:"
            . " nginx: fastcgi_param $name 1; Apache: SetEnv $name 1.\n";
        return false;
    }
}
