<?php

namespace Transmit\Cdef;

use Transmit\PregError;

/**
 * Loads libtransmit.so with FFI::cdef, if ffi.enable allows this to every script.
 *
 * Never preload this class: every page could then use reflection to load a library of its own
 * (tests/php/PreloadTest.php).
 */
final class Library
{
    private const SHARE = '/share/libtransmit/php';
    private const INSTALL = 'install it, or set the key library to its full path';

    /**
     * @param string|null $library its path; null: search for it
     * @return \FFI|string the library, or why it cannot be used and what to do
     */
    public static function bind(?string $library)
    {
        $library = $library ?? (getenv('TRANSMIT_LIBRARY') ?: null);
        [$installed, $declarations] = self::header($library);
        $path = $library ?? $installed;
        if ($path === '') {
            return 'no transmit_ffi.h was found, which names the library: ' . self::INSTALL;
        }
        try {
            return \FFI::cdef($declarations, $path);
        } catch (\FFI\Exception $e) {
            return self::explain(trim($e->getMessage()));
        }
    }

    /**
     * Finds transmit_ffi.php or transmit_ffi.h: beside the installed PHP files, in build/, or, for Composer's copy,
     * beside the library. They name the library by its full path, because LD_LIBRARY_PATH must not decide.
     *
     * @return array{string, string} the library's path, "" if not known; its declarations
     */
    private static function header(?string $library): array
    {
        $folders = [dirname(__DIR__, 2), dirname(__DIR__, 3) . '/build'];
        if ($library !== null) {
            array_push($folders, dirname($library), dirname($library, 2) . self::SHARE);
        }
        array_push($folders, '/usr/local' . self::SHARE, '/usr' . self::SHARE);
        foreach ($folders as $folder) {
            if (is_file("$folder/transmit_ffi.php")) {
                return include "$folder/transmit_ffi.php"; // which opcache keeps
            }
            if (is_file("$folder/transmit_ffi.h")) {
                return self::parse((string) file_get_contents("$folder/transmit_ffi.h"));
            }
        }
        return ['', ''];
    }

    /** @return array{string, string} of a header: its #define lines are for ffi.preload only */
    private static function parse(string $header): array
    {
        $pregError = PregError::get();
        preg_match('/^#define FFI_LIB "(\/.+)"$/m', $header, $installed);
        $declarations = (string) preg_replace('/^#.*$/m', '', $header);
        PregError::restore($pregError);
        return [$installed[1] ?? '', $declarations];
    }

    /** Usual causes of FFI's error, each with a remedy. */
    private static function explain(string $message): string
    {
        if (strpos($message, 'restricted') !== false) {
            if (extension_loaded('ssh2')) {
                return 'preload.php preloads nothing where the extension ssh2 is loaded, with which a page could run'
                    . ' native code: load ssh2 only in the PHP that needs it';
            }
            return 'FFI is restricted here: in php.ini, set ffi.preload=<transmit_ffi.h> and'
                . ' opcache.preload=<preload.php>, and restart PHP';
        }
        if (strpos($message, 'Failed loading') === 0) {
            return "the library cannot be loaded ($message): " . self::INSTALL
                . (self::hasMusl() ? '; where PHP is built with musl, as in Alpine Linux, it has to be there'
                . ' when PHP starts: LD_PRELOAD=<libtransmit.so>' : '');
        }
        return "the library does not fit these PHP files ($message): install both from one release and restart PHP";
    }

    /** Whether musl's loader exists. PHP does not tell its libc. */
    private static function hasMusl(): bool
    {
        return function_exists('php_uname') && is_file('/lib/ld-musl-' . php_uname('m') . '.so.1');
    }
}
