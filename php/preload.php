<?php

/**
 * For opcache.preload: compiles the functions and the classes into every worker, so that
 * they may use FFI under the default ffi.enable=preload, together with
 * ffi.preload=<transmit_ffi.h>. Works without FFI as well: the functions then are plain PHP.
 *
 * config.php stays out: an application may define its own get_profiling_config(). So does src/Cdef/: preloaded code
 * may use FFI, and an application can call all of it. Doctor/ and Status/ are for programs of their own.
 */

opcache_compile_file(__DIR__ . '/functions.php');
foreach (['/src', '/src/Plain', '/src/Profiler'] as $transmitFolder) {
    foreach (glob(__DIR__ . "$transmitFolder/*.php") as $transmitFile) {
        opcache_compile_file($transmitFile);
    }
}
unset($transmitFolder, $transmitFile);
