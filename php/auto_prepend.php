<?php

/**
 * For auto_prepend_file: profiles the request and sends the profile when it has ended.
 *
 * It takes no name but those of the classes, and leaves no variable. Where preloading has compiled
 * the classes, no other file is opened. One that cannot be opened is no error of the page.
 */

if (!class_exists(Transmit\Profiler::class, false)) {
    set_error_handler(static function (int $level, string $message): bool {
        return error_log("Profiler: nothing is measured: $message");
    });
    include __DIR__ . '/src/Profiler.php';
    restore_error_handler();
}
if (class_exists(Transmit\Profiler::class, false)) {
    Transmit\Profiler::startRequest();
}
