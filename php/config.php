<?php

// phpcs:disable PSR1.Files.SideEffects -- a name that is taken is left alone
try {
    \Closure::fromCallable('get_profiling_config'); // any function may be disabled, function_exists() too
} catch (\TypeError $transmitError) {
    unset($transmitError);
    /**
     * The settings. An application has its own if it defines this function first.
     *
     * @return array<string, mixed> keys of Transmit\Settings; omitted keys have their defaults
     */
    function get_profiling_config(): array
    {
        return Transmit\Settings::ofEnvironment();
    }
}
