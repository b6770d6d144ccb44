<?php

/**
 * For opcache.preload, together with ffi.preload=<transmit_ffi.h>: lets PHP use the library under the default
 * ffi.enable=preload. Works without FFI as well: the functions then are plain PHP.
 *
 * Preloaded code may use FFI, every page can call all of it, and what it calls or loads a class with may have the same
 * right. So only src/Preloaded/ is compiled here, and functions.php: they give away no FFI object, take no length, name
 * no class that may be missing, call no value and iterate no object. An extension may call a page's function, FFI::load
 * for one, at any time, as ExcimerTimer does with a number: with strict types that is no file name, and a TypeError.
 * tests/php/PreloadTest.php holds that.
 *
 * All else is loaded in a request, with a page's rights, from files that opcache keeps. Their text is kept for pages
 * that can open no file of ours: in a chroot, or outside open_basedir. That text is compiled anew in each request.
 *
 * A preloaded function is in all applications, which cannot declare one of the same name. So functions.php
 * is preloaded only where no auto_prepend_file is set: the profiler needs no function, and an application that
 * calls them requires transmitter.php. php.ini's transmit.preload_functions = 0 or 1 decides it otherwise.
 */

declare(strict_types=1);

try {
    \Transmit\Preloaded\Sources::FILES; // a page includes this file, whose functions its pool may have disabled
    return;
} catch (\Error $transmitFile) {
}
foreach (['strlen', 'is_bool', 'is_int', 'is_object', 'is_string'] as $transmitFile) {
    if (!function_exists($transmitFile)) { // a page could declare it
        error_log("Profiler: plain PHP: nothing is preloaded, for disable_functions has $transmitFile");
        return;
    }
}
foreach (['Calls', 'Names', 'OpenBasedir', 'Scope'] as $transmitFile) {
    require_once __DIR__ . "/src/Preloaded/$transmitFile.php"; // opcache_compile_file() is for opcache.restrict_api
}
$transmitSources = [];
foreach (['', '/Pdo', '/Plain', '/Profiler'] as $transmitFolder) {
    foreach (glob(__DIR__ . "/src$transmitFolder/*.php") as $transmitFile) {
        $transmitSources["$transmitFolder/" . basename($transmitFile)] = file_get_contents($transmitFile);
    }
}
eval('namespace Transmit\Preloaded; final class Sources { public const FILES = ' . var_export($transmitSources, true)
    . '; }');
$transmitFunctions = get_cfg_var('transmit.preload_functions');
if ($transmitFunctions === false ? in_array(ini_get('auto_prepend_file'), ['', 'none'], true) : $transmitFunctions) {
    require __DIR__ . '/functions.php';
}
unset($transmitFolder, $transmitFile, $transmitSources, $transmitFunctions);
