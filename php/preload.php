<?php

/**
 * For opcache.preload, together with ffi.preload=<transmit_ffi.h>: lets PHP use the library under the default
 * ffi.enable=preload. Works without FFI as well: the functions then are plain PHP.
 *
 * Preloaded code may use FFI, every page can call all of it, and what PHP calls while one of its functions runs has the
 * same right: an autoloader, a callback of an extension, the end of a page's object. So only src/Preloaded/ is compiled
 * here, and it keeps to these rules, which tests/php/PreloadTest.php holds:
 *
 * - It gives away no FFI object and takes no length.
 * - It names no class that may be missing, calls no value and iterates no object.
 * - It frees nothing of a page's: no parameter is declared string, no property holds an object, nothing is caught.
 * - Its types are strict: ExcimerTimer may call FFI::load at any time, with a number, which then is no file name.
 *
 * All else is loaded in a request, with a page's rights, from files that opcache keeps. Their text is kept for pages
 * that can open no file of ours: in a chroot, or outside open_basedir. That text is compiled anew in each request.
 *
 * A preloaded function is in all applications, which cannot declare one of the same name. So the functions
 * are preloaded only where no auto_prepend_file is set: the profiler needs no function, and an application that
 * calls them requires transmitter.php. php.ini's transmit.preload_functions = 0 or 1 decides it otherwise.
 */

declare(strict_types=1);

try {
    \Transmit\Preloaded\Sources::FILES; // a page includes this file, whose functions its pool may have disabled
    return;
} catch (\Error $transmitError) {
}
try {
    foreach (['strlen', 'is_string'] as $transmitFile) {
        if (!function_exists($transmitFile)) { // a page could declare it
            throw new \Error("disable_functions has $transmitFile");
        }
    }
    if (extension_loaded('ssh2')) {
        // When one of its streams ends, it calls what a page has chosen, FFI::load for one, with its server's text.
        // The end of a page's function that a timer or a signal has called amid one of ours has our right, and so has
        // what PHP collects there.
        throw new \Error('with the extension ssh2 a page could run native code');
    }
    $transmitSources = [];
    foreach (['', '/Pdo', '/Plain', '/Profiler'] as $transmitFolder) {
        foreach (glob(__DIR__ . "/src$transmitFolder/*.php") as $transmitFile) {
            $transmitSources["$transmitFolder/" . basename($transmitFile)] = file_get_contents($transmitFile);
        }
    }
    $transmitCall = 'namespace Transmit; if (!class_exists(Functions::class, false)) {'
        . ' class_exists(Loader::class, false)'
        . ' || eval("?>" . Preloaded\Sources::FILES["/Loader.php"]); Loader::load(); } return ';
    $transmitClass = 'namespace Transmit\Preloaded; final class Sources { public const FILES = '
        . var_export($transmitSources, true) . '; public const CALL = ' . var_export($transmitCall, true) . '; }';
    $transmitFunctions = get_cfg_var('transmit.preload_functions');
    if ($transmitFunctions === false) {
        $transmitFunctions = in_array(ini_get('auto_prepend_file'), ['', 'none'], true);
    }
} catch (\Error $transmitError) { // php-fpm would not start
    try {
        error_log('Profiler: plain PHP: nothing is preloaded: ' . $transmitError->getMessage());
    } finally {
        return; // also where error_log is disabled
    }
}
require_once __DIR__ . '/src/Preloaded/Scope.php'; // opcache_compile_file() would need opcache.restrict_api
eval($transmitClass);
if ($transmitFunctions) {
    require __DIR__ . '/src/Preloaded/functions.php';
}
unset($transmitFolder, $transmitFile, $transmitSources, $transmitCall, $transmitClass, $transmitFunctions);
