<?php

/**
 * Loads the classes of Transmit, src/, when they are needed. An application that has another copy of these
 * files keeps to that one.
 */

try {
    class_exists(Transmit\Autoloader::class, false) || require __DIR__ . '/src/Autoloader.php';
    Transmit\Autoloader::registerFirst();
} catch (\Error $transmitError) { // a function is disabled
    unset($transmitError);
    require_once __DIR__ . '/src/Autoloader.php';
    Transmit\Autoloader::loadAll();
}
