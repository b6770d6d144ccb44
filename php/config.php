<?php

// phpcs:disable PSR1.Files.SideEffects -- a name that is taken is left alone
try {
    \Closure::fromCallable('get_profiling_config'); // any function may be disabled, function_exists() too
} catch (\TypeError $transmitError) {
    unset($transmitError);
    /**
     * The settings. An application that defines this function first has its own.
     *
     * @return array<string, mixed> the keys are those of Transmit\Settings; any of them may be left out
     */
    function get_profiling_config(): array
    {
        return Transmit\Settings::ofEnvironment();
    }
}
