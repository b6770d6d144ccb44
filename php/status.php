<?php

/**
 * The status page, and with ?format=prometheus its counters for Prometheus. It answers only in a location of the web
 * server that has fastcgi_param TRANSMIT_STATUS 1. TRANSMIT_STATUS_CONFIG names the application's file that defines
 * get_profiling_config(). It is set there or in the pool's environment.
 */

require_once __DIR__ . '/autoload.php';
Transmit\Profiler::discard(); // no profile of this page
Transmit\Status\Program::page();
