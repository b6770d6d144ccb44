<?php

/**
 * What became of the profiles: a page for a person, and ?format=prometheus for Prometheus. Through php-fpm,
 * where the pool has env[TRANSMIT_STATUS] = 1; env[TRANSMIT_STATUS_CONFIG] names the application's file that
 * defines get_profiling_config().
 */

require_once __DIR__ . '/autoload.php';
Transmit\Status\Program::page();
