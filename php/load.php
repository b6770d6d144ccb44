<?php

/**
 * For Transmit\Preloaded\Calls, which includes it: what the functions call.
 */

require_once __DIR__ . '/autoload.php';

return new Transmit\Functions();
