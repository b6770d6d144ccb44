<?php

/**
 * bench.php's functions.
 */

/** @return array what a request of a database application sends: in JSON, 120 bytes a function and 150 a query */
function profile(int $functions, int $queries): array
{
    $data = ['correlation_id' => 'b1946ac92492d234', 'url' => '/orders', 'method' => 'GET', 'status' => 200,
        'elapsed_ms' => 812.5];
    for ($i = 0; $i < $functions; $i++) {
        $data['xhprof']['profiling']['top_functions'][] = ['function' => "App\\Orders\\Repository$i::findOpen",
            'calls' => $i * 3, 'wall_ms' => $i * 1.375, 'exclusive_wall_ms' => $i * 0.125, 'memory_bytes' => $i * 1000];
    }
    for ($i = 0; $i < $queries; $i++) {
        $data['sql']['queries'][] = ['sql' => "SELECT o.id, o.total, c.name FROM orders o JOIN customers c "
            . "ON c.id = o.customer_id WHERE o.id = $i", 'time_ms' => ($i * 7919 % 6007) * 0.125, 'rows' => $i];
    }
    return $data;
}

function get_profiling_config(): array
{
    return ($GLOBALS['more'] ?? []) + ['wait_for_disk' => $GLOBALS['waits'] ?? true] + settings(null, 'native');
}

/** Each way has a buffer of its own: none writes beside the files of another. */
function buffer_of(string $way): string
{
    return "$GLOBALS[buffer]-$way";
}

/** What get_profiling_config() says to each of the ways. */
function settings(?string $library, string $way): array
{
    return ['listener_socket' => "$GLOBALS[folder]/s", 'buffer_dirs' => [buffer_of($way)], 'library' => $library];
}

/**
 * Loads copies of PHP files in a namespace of their own: functions of one name are there several times
 * then. As files, for opcache takes nothing else.
 *
 * @param list<string> $files
 * @param string|null $library the setting for these
 */
function load_as(string $namespace, array $files, ?string $library): void
{
    $copy = "$GLOBALS[folder]/$namespace.";
    $arguments = var_export($library, true) . ", '" . strtolower($namespace) . "'";
    $config = "function get_profiling_config(): array { return \\settings($arguments); }";
    $config = "namespace $namespace { $config } namespace $namespace\\Transmit { $config }";
    file_put_contents($copy . 'php', "<?php $config");
    require $copy . 'php';
    foreach ($files as $file) {
        $code = (string) preg_replace('/^(<\?php|require_once.*|declare\(.*)$/m', '', file_get_contents($file));
        $code = preg_replace('/\bTransmit(?=;|\\\\)/', "$namespace\\Transmit", $code);
        $folder = "'" . dirname($file) . "'";
        // Each function is declared where its name is free: in this namespace.
        $code = preg_replace("/if \\(Names::isFree\\('/", "$0$namespace\\\\\\\\", $code);
        $code = str_replace('/var/lib/bitville-apm/buffer', buffer_of(strtolower($namespace)), $code);
        $code = str_replace('__DIR__', $folder, $code);
        $space = strpos($code, "\nnamespace ") === false ? "namespace $namespace;" : '';
        file_put_contents($copy . basename($file), "<?php $space $code");
        require $copy . basename($file);
    }
}

/** @return array<string, string> the namespace of each way */
function load_ways(string $php, string $reference): array
{
    require "$php/transmitter.php";
    if (($why = check_listener_socket()['plain_because']) !== '') {
        fail("native is not to be had: $why");
    }
    load_as('Plain', array_merge(
        glob("$php/src/{,Plain/,Preloaded/Scope,Profiler/Options}*.php", GLOB_BRACE),
        ["$php/functions.php"]
    ), '');
    load_as('Reference', [$reference], null);
    return ['native' => '\\', 'plain' => 'Plain\\', 'reference' => 'Reference\\'];
}

/** The library, as a caller has it who wants nothing but one of its functions. */
function library(): \FFI
{
    $library = getenv('TRANSMIT_LIBRARY');
    $header = file_get_contents(dirname($library) . '/transmit_ffi.h');
    return \FFI::cdef(preg_replace('/^#.*$/m', '', $header), $library);
}

function fail(string $why): void
{
    fwrite(STDERR, "bench.php: $why\n");
    exit(1);
}
