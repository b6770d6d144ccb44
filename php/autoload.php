<?php

/**
 * Registers the autoloader of the classes in src/. If the application has another copy of these files, that copy is
 * used.
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
