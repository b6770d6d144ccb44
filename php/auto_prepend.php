<?php

/**
 * For auto_prepend_file: profiles the request and sends the profile when it has ended.
 *
 * It declares only classes, and leaves no variable. If a file of ours cannot be opened, the page sees no error: the
 * preloaded text is used or, without preloading, a line is logged.
 */

namespace Transmit;

// Not in the global namespace: PHP would crash if another pool has compiled this and a function is disabled here.

try {
    if (!class_exists(Autoloader::class, false) && !@include __DIR__ . '/src/Autoloader.php') {
        error_clear_last(); // the page must not see it in error_get_last()
        if (class_exists(Preloaded\Sources::class, false)) {
            eval('?>' . Preloaded\Sources::FILES['/Autoloader.php']);
            Autoloader::useText();
        }
    }
    if (class_exists(Autoloader::class, false)) {
        Autoloader::need(Profiler::class);
        Profiler::startRequest();
    } else {
        error_log('Profiler: nothing is measured: ' . __DIR__ . '/src cannot be read. Is it in open_basedir?');
    }
} catch (\Error $transmitError) { // a function is disabled
    unset($transmitError);
    if (@include_once __DIR__ . '/src/Autoloader.php') {
        Autoloader::need(Profiler::class);
        Profiler::startRequest(); // logs it
    }
}
