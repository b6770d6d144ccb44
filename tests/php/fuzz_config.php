<?php

/**
 * The settings of fuzz.php. In the global namespace, where the transmitter looks for them.
 */

function get_profiling_config(): array
{
    return Fuzz\Fuzzer::$config;
}
