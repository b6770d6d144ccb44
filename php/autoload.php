<?php

/**
 * Loads the classes of Transmit, src/, when they are needed. Preloading has compiled them already,
 * and an application that has another copy of these files keeps to that one.
 */

spl_autoload_register(static function (string $class): void {
    if (strncmp($class, 'Transmit\\', 9) === 0) {
        $file = __DIR__ . '/src/' . strtr(substr($class, 9), '\\', '/') . '.php';
        if (is_file($file)) {
            require_once $file;
        }
    }
});
