<?php

/**
 * Every test makes its files under one folder, which is also the system's temp directory for this process.
 */

use Transmit\Test\Scratch;

require_once __DIR__ . '/Scratch.php';
require_once __DIR__ . '/Listener.php';
require_once __DIR__ . '/TransmitTestCase.php';
require_once __DIR__ . '/Program.php';
require_once __DIR__ . '/Fpm.php';
require_once __DIR__ . '/DoctorSituations.php';
require_once __DIR__ . '/DoctorTestCase.php';
require_once __DIR__ . '/FpmTestCase.php';

Scratch::begin();

function get_profiling_config(): array
{
    return Transmit\Test\TransmitTestCase::config();
}

require_once __DIR__ . '/../../php/transmitter.php';
