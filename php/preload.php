<?php

/**
 * For opcache.preload, together with ffi.preload=<transmit_ffi.h>: lets PHP use the library under the default
 * ffi.enable=preload. Works without FFI as well: the functions then are plain PHP.
 *
 * Preloaded code may use FFI, and every page can call all of it. Code that PHP calls while such a function runs has the
 * same right: an autoloader, a callback of an extension, a destructor of the page. So only src/Preloaded/ is preloaded.
 * It follows these rules, which tests/php/PreloadTest.php checks:
 *
 * - It returns no FFI object and takes no length as an argument.
 * - It names no class that may be missing, calls no value and iterates no object.
 * - It frees no value of a page: no parameter is declared string, no property holds an object, nothing is caught.
 * - Its types are strict, because ExcimerTimer may call FFI::load at any time, with a number as the file name.
 *
 * All other files are loaded in a request, with the rights of a page; opcache keeps them. Their text is stored here for
 * pages that cannot open our files: in a chroot, or outside open_basedir. PHP compiles that text again in each request.
 *
 * A preloaded function exists in all applications, so none can declare a function of the same name. So the functions
 * are preloaded only if no auto_prepend_file is set: the profiler needs none, and an application that calls them can
 * require transmitter.php. transmit.preload_functions = 0 or 1 in php.ini overrides this.
 */

declare(strict_types=1);

try {
    \Transmit\Preloaded\Sources::FILES; // a page has included this file: its pool may have disabled functions
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
        // At the end of a stream, ssh2 calls a function that the page has chosen, such as FFI::load, with a text from
        // the page's server. A page's timer or signal handler can make that happen while one of our functions runs, and
        // so can PHP's garbage collection.
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
} catch (\Error $transmitError) { // otherwise php-fpm would not start
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
