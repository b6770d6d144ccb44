<?php

/**
 * Loads the classes of Transmit, src/, when they are needed. An application that has another copy of these
 * files keeps to that one.
 */

namespace Transmit;

try {
    class_exists(Autoloader::class, false) || require __DIR__ . '/src/Autoloader.php';
    Autoloader::registerFirst();
} catch (\Error $transmitError) { // a function is disabled
    unset($transmitError);
    require_once __DIR__ . '/src/Autoloader.php';
    Autoloader::loadAll();
}
