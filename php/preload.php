<?php

/**
 * For opcache.preload: compiles the classes into every worker, so that they may use FFI under the default
 * ffi.enable=preload, together with ffi.preload=<transmit_ffi.h>, and no file of ours is opened in a request.
 * Works without FFI as well: the functions then are plain PHP.
 *
 * A preloaded function is in all applications, which cannot declare one of the same name. So functions.php
 * is preloaded only where no auto_prepend_file is set: the profiler needs no function, and an application that
 * calls them requires transmitter.php. php.ini's transmit.preload_functions = 0 or 1 decides it otherwise.
 * config.php stays out: an application may define its own get_profiling_config(). So does src/Cdef/: preloaded code
 * may use FFI, and an application can call all of it. Doctor/ and Status/ are for programs of their own.
 */

require __DIR__ . '/autoload.php';
foreach (['/src', '/src/Plain', '/src/Profiler'] as $transmitFolder) {
    foreach (glob(__DIR__ . "$transmitFolder/*.php") as $transmitFile) {
        require_once $transmitFile; // opcache_compile_file() would need opcache.restrict_api to allow it
    }
}
$transmitFunctions = get_cfg_var('transmit.preload_functions');
if ($transmitFunctions === false ? in_array(ini_get('auto_prepend_file'), ['', 'none'], true) : $transmitFunctions) {
    require __DIR__ . '/functions.php';
}
unset($transmitFolder, $transmitFile, $transmitFunctions);
