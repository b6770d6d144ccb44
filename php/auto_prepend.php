<?php

/**
 * For auto_prepend_file: profiles the request and sends the profile when it has ended.
 *
 * It takes no name but those of the classes, and leaves no variable. A file of ours that cannot be opened is no error
 * of the page: with preloading its text is there, otherwise the log says it.
 */

namespace Transmit;

// In the global namespace PHP crashes where another pool has compiled this and a function is disabled here.

if (!class_exists(Autoloader::class, false) && !@include __DIR__ . '/src/Autoloader.php') {
    error_clear_last(); // the page's error_get_last()
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
