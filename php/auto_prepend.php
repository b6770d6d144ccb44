<?php

/**
 * For auto_prepend_file: profiles the request and sends the profile when it has ended.
 */

require_once __DIR__ . '/autoload.php';
Transmit\Profiler::start();
