<?php

/**
 * For opcache.preload: compiles the functions and the classes into every worker, so that
 * they may use FFI under the default ffi.enable=preload, together with
 * ffi.preload=<transmit_ffi.h>. Works without FFI as well: the functions then are plain PHP.
 *
 * config.php stays out: an application may define its own get_profiling_config().
 */

foreach (glob(__DIR__ . '/*.php') as $transmitFile) {
    if ($transmitFile === __DIR__ . '/functions.php' || preg_match('~/[A-Z]\w*\.php$~', $transmitFile)) {
        opcache_compile_file($transmitFile);
    }
}
unset($transmitFile);
