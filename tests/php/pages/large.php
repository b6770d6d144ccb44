<?php

require_once __DIR__ . '/../scripts/config.php';
require_once __DIR__ . '/../../../php/transmitter.php';

send_profiling_data(['correlation_id' => $_SERVER['HTTP_X_CORRELATION_ID'], 'pad' => str_repeat('x', 2000000)]);
echo "sent\n";
