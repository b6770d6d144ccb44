<?php

/**
 * For auto_prepend_file: profiles the request and sends the profile when it has ended.
 */

if (!class_exists('Transmit\\Profiler', false)) {
    require_once __DIR__ . '/Profiler.php';
}
Transmit\Profiler::start();
