<?php

namespace Transmit\Doctor;

use Transmit\Native;
use Transmit\Result;
use Transmit\Settings;

/**
 * Checks PHP: its version, its restrictions, and whether it can use the library.
 */
final class Php
{
    /** On a busy machine, the library may not start within one call. The next call continues the start. */
    private const TRIES = 20;

    /** Values of "go" in transmit_stats if the library was not built by build.sh. */
    private const BUILT_WRONG = [
        'unprotected' => 'built without the changes to Go of build.sh: a signal may end the process',
        'started at load' => 'built without door/export.ld: a forked child may hang',
    ];

    /** @return list<Finding> */
    public static function examine(Settings $settings): array
    {
        $php = ['PHP ' . PHP_VERSION, PHP_SAPI, 'as ' . System::user(), self::iniFiles()];
        return [
            Finding::ok('php', implode(', ', $php)),
            self::ffi(),
            self::preload(),
            self::library($settings),
        ];
    }

    private static function iniFiles(): string
    {
        $more = array_filter(array_map('trim', explode(',', (string) System::ask('php_ini_scanned_files'))));
        $transmit = preg_grep('/transmit/', $more);
        return (System::ask('php_ini_loaded_file') ?: 'no php.ini') . ' and ' . count($more) . ' more files'
            . ($transmit ? ', ' . implode(', ', $transmit) : '');
    }

    private static function ffi(): Finding
    {
        if (!extension_loaded('FFI')) {
            return Finding::ok('ffi', 'the extension is not loaded');
        }
        $enable = (string) ini_get('ffi.enable');
        $text = "the extension is loaded, ffi.enable=$enable";
        $isForAll = PHP_SAPI !== 'cli' && filter_var($enable, FILTER_VALIDATE_BOOLEAN);
        return $isForAll
            ? Finding::warn('ffi', "$text: every script may run native code, whatever disable_functions and"
                . ' open_basedir say', 'on a host that others share, use ffi.enable=preload with ffi.preload and'
                . ' opcache.preload')
            : Finding::ok('ffi', $text);
    }

    private static function preload(): Finding
    {
        $parts = [];
        foreach (['opcache.preload', 'opcache.preload_user', 'ffi.preload'] as $name) {
            $value = (string) ini_get($name);
            $parts[] = $value === '' ? "no $name" : "$name=$value";
        }
        $status = function_exists('opcache_get_status') ? opcache_get_status(false) : false;
        $count = count($status['preload_statistics']['classes'] ?? []);
        return Finding::ok('preload', implode(', ', $parts) . ($count > 0 ? "; $count classes are preloaded" : ''));
    }

    private static function library(Settings $settings): Finding
    {
        $isNative = Native::isUsable($settings);
        if (!$isNative && $settings->library === '') {
            return Finding::ok('library', 'plain PHP, as the setting library wants it');
        }
        if (!$isNative) {
            // Text, colon, remedy. The system's error, in parentheses, may contain colons.
            preg_match('/^((?:[^:(]|\(.*\))*)(?:: (.*))?$/s', Native::why(), $parts);
            return Finding::warn('library', 'plain PHP: ' . ($parts[1] ?? Native::why()), $parts[2] ?? '');
        }
        $result = Native::configure($settings);
        for ($try = 0; $try < self::TRIES && $result === Result::ESTARTING; $try++) {
            $result = Native::configure($settings);
        }
        if ($result !== Result::SENT) {
            return Finding::warn(
                'library',
                'plain PHP: the library does not start: ' . Native::lastError(),
                $result === Result::ERESOURCE ? 'raise the limits of threads and address space, see limits below'
                : 'restart PHP'
            );
        }
        $built = self::BUILT_WRONG[json_decode(Native::stats($settings), true)['go'] ?? ''] ?? '';
        if ($built !== '') {
            return Finding::warn('library', "native, but $built", 'build it with ./build.sh, or install a package');
        }
        return Finding::ok('library', 'native: ' . (System::mappedFile('libtransmit.so') ?? 'libtransmit.so')
            . ', version ' . Native::version($settings) . ', ABI ' . Native::ABI_VERSION);
    }
}
