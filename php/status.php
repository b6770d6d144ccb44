<?php

/**
 * What became of the profiles: a page for a person, and ?format=prometheus for Prometheus. The web server's
 * location grants it: fastcgi_param TRANSMIT_STATUS 1. TRANSMIT_STATUS_CONFIG, there or in the pool's environment,
 * names the application's file that defines get_profiling_config().
 */

require_once __DIR__ . '/autoload.php';
Transmit\Profiler::discard(); // no profile of this page
Transmit\Status\Program::page();
