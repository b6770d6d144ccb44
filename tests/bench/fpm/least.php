<?php

/**
 * The least that a profiler can do, one part or all of it, in one file and without a class.
 */

/** Sends a text when the request ends. */
function send_text(): void
{
    register_shutdown_function(static function (): void {
        $socket = stream_socket_client('udg://' . getenv('BENCH_FOLDER') . '/s');
        fwrite($socket, '{"url":"/","elapsed_ms":2.0}');
    });
}

/** Excimer as it is used by the profiler, which makes a profile of it when the request ends. */
function sample(): void
{
    $profilers = start_excimer();
    register_shutdown_function(static function () use ($profilers): void {
        sampled_functions($profilers);
    });
}

/** Sends a profile with the profiler's fields when the request ends, with one json_encode and one call of FFI. */
function send_profile(array $profilers = []): void
{
    $start = [microtime(true), hrtime(true), cpu_ms()];
    register_shutdown_function(static function () use ($profilers, $start): void {
        $ms = round((hrtime(true) - $start[1]) / 1e6, 3);
        $functions = [['function' => 'main()', 'calls' => 1, 'wall_ms' => $ms]];
        if ($profilers !== []) {
            array_push($functions, ...sampled_functions($profilers));
        }
        $json = json_encode([
            'correlation_id' => bin2hex(random_bytes(16)), 'url' => $_SERVER['SCRIPT_FILENAME'],
            'method' => $_SERVER['REQUEST_METHOD'], 'status' => http_response_code(),
            'elapsed_ms' => $ms, 'cpu_ms' => round(cpu_ms() - $start[2], 3),
            'peak_memory_bytes' => memory_get_peak_usage(true), 'host' => gethostname(), 'sapi' => PHP_SAPI,
            'pid' => getmypid(), 'started_at' => $start[0],
            'xhprof' => ['profiling' => ['top_functions' => $functions]],
        ], JSON_UNESCAPED_SLASHES);
        $path = get_profiling_config()['listener_socket'];
        Transmit\Preloaded\Scope::trySend($json, 1, $path, ',"php_version":"' . PHP_VERSION . '"', 65507);
    });
}

/** The same, with Excimer. */
function send_samples(): void
{
    send_profile(start_excimer());
}

function cpu_ms(): float
{
    $used = getrusage();
    return ($used['ru_utime.tv_sec'] + $used['ru_stime.tv_sec']) * 1e3
        + ($used['ru_utime.tv_usec'] + $used['ru_stime.tv_usec']) / 1e3;
}

/** @return array<ExcimerProfiler> for elapsed and for CPU time */
function start_excimer(): array
{
    foreach ([EXCIMER_REAL, EXCIMER_CPU] as $type) {
        $profiler = new ExcimerProfiler();
        $profiler->setEventType($type);
        $profiler->setPeriod(0.01);
        $profiler->start();
        $profilers[] = $profiler;
    }
    return $profilers;
}

/** @param array<ExcimerProfiler> $profilers */
function sampled_functions(array $profilers): array
{
    foreach ($profilers as $profiler) {
        $profiler->stop();
        $logs[] = $profiler->getLog()->aggregateByFunction();
    }
    foreach ($logs[0] as $name => $counts) {
        $rows[] = [
            'function' => $name, 'samples' => $counts['inclusive'], 'wall_ms' => $counts['inclusive'] * 10,
            'exclusive_wall_ms' => $counts['self'] * 10, 'cpu_ms' => ($logs[1][$name]['inclusive'] ?? 0) * 10,
        ];
    }
    return $rows ?? [];
}
