<?php

/**
 * For auto_prepend_file: profiles the request and sends the profile when it has ended.
 *
 * It takes no name but those of the classes, and leaves no variable. Where preloading has compiled
 * the classes, no other file is opened. One that cannot be opened is no error of the page.
 */

if (!class_exists(Transmit\Profiler::class, false) && !@include __DIR__ . '/src/Profiler.php') {
    error_log('Profiler: nothing is measured: ' . __DIR__ . '/src/Profiler.php cannot be read. Is it in open_basedir?');
} else {
    Transmit\Profiler::startRequest();
}
