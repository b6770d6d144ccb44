<?php

/**
 * What became of the profiles: a page for a person, and ?format=prometheus for Prometheus. Through php-fpm,
 * where the pool has env[TRANSMIT_STATUS] = 1; env[TRANSMIT_STATUS_CONFIG] names the application's file that
 * defines get_profiling_config().
 */

foreach (array_merge(glob(__DIR__ . '/Doctor/*.php'), glob(__DIR__ . '/Status/*.php')) as $transmitFile) {
    require_once $transmitFile;
}
unset($transmitFile);
Transmit\Status\Program::page();
