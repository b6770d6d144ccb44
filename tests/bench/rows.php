<?php

/**
 * The rows of bench.php.
 */

function measure_socket(array $ways): void
{
    $json = str_pad('{"id":"', 498, 'x') . '"}';
    $path = "$GLOBALS[folder]/s";
    $ways = array_map(static function (string $space) use ($json, $path): callable {
        $send = $space . 'send_via_socket';
        return static function () use ($send, $json, $path): void {
            $send($json, $path);
        };
    }, $ways);
    $library = library();
    $ways['least'] = static function () use ($library, $json, $path): void {
        $library->transmit_try_send($json, strlen($json), Transmit\Native::AS_IS, $path, '', 65507);
    };
    compare('php-socket', $ways);
}

function measure_small(array $ways): void
{
    $profile = profile(0, 2);
    compare('php-small', senders($ways, $profile) + ['least' => least_sender($profile)]);
}

function measure_26k(array $ways): void
{
    $profile = profile(50, 140);
    $ways = senders($ways, $profile);
    $ways['json_encode'] = static function () use ($profile): void {
        json_encode($profile, JSON_UNESCAPED_SLASHES | JSON_PARTIAL_OUTPUT_ON_ERROR | JSON_INVALID_UTF8_SUBSTITUTE);
    };
    $ways['least'] = least_sender($profile);
    compare('php-26k', $ways);
}

function measure_cut(array $ways): void
{
    compare('php-cut', senders($ways, profile(0, 6000)), 30);
}

/** @return array<string, callable> by way */
function senders(array $ways, array $profile): array
{
    return array_map(static function (string $space) use ($profile): callable {
        $send = $space . 'send_profiling_data';
        return static function () use ($send, $profile): void {
            $send($profile);
        };
    }, $ways);
}

/** The least that sends a profile: json_encode, and one call of the library. */
function least_sender(array $profile): callable
{
    $library = library();
    $path = "$GLOBALS[folder]/s";
    return static function () use ($library, $profile, $path): void {
        $json = json_encode($profile, JSON_UNESCAPED_SLASHES | JSON_INVALID_UTF8_SUBSTITUTE);
        $library->transmit_try_send($json, strlen($json), Transmit\Native::TRUSTED, $path, '', 65507);
    };
}

/** The same, without a listener. The settings are the library's already. */
function least_writer(array $profile, int $flags): callable
{
    $library = library();
    return static function () use ($library, $profile, $flags): void {
        $json = json_encode($profile, JSON_UNESCAPED_SLASHES | JSON_INVALID_UTF8_SUBSTITUTE);
        $library->transmit_send_with($json, strlen($json), Transmit\Native::TRUSTED | $flags, null, 0);
    };
}

/** A call graph of 8,000 edges, by function, and a loop over it that does nothing. Only when this row is asked for. */
function measure_top(): void
{
    require_once __DIR__ . '/../../php/autoload.php';
    mt_srand(1);
    $edges = [];
    while (count($edges) < 8000) {
        $level = mt_rand(0, 20) === 0 ? '@1' : '';
        $edge = sprintf('App\Name%d::f==>App\Name%d::f%s', mt_rand(0, 2500), mt_rand(0, 2500), $level);
        $edges[$edge] = ['ct' => 1, 'wt' => mt_rand(1, 900), 'mu' => 100];
    }
    $deadline = Transmit\Deadline::after(Transmit\Deadline::now(), 3600000000);
    report('php-top', interleaved([
        'top_functions' => static function () use ($edges, $deadline): void {
            Transmit\Profiler\TopFunctions::of($edges, 1000.0, $deadline);
        },
        'loop' => static function () use ($edges): void {
            foreach ($edges as $edge => $numbers) {
                $last = $numbers['wt'];
            }
        },
    ], 30));
}

/** Nobody listens: in a tight loop, with 2 ms between two calls, and without a wait for the disk. */
function measure_disk(array $ways): void
{
    send_profiling_data(profile(0, 2)); // passes our settings to the library
    $senders = senders($ways, profile(0, 2)) + ['least' => least_writer(profile(0, 2), 0)];
    $pause = static function (): void {
        usleep(2000);
    };
    report('disk', interleaved($senders, 300));
    report('disk-2ms', interleaved($senders, 100, $pause));
    unset($senders['plain']); // it always waits
    $GLOBALS['waits'] = false;
    $senders['least'] = least_writer(profile(0, 2), Transmit\Native::NO_WAIT);
    report('disk-no-wait', interleaved($senders, 300, $pause));
    unset($GLOBALS['waits']);
    remove_buffer();
}

/** Fifty processes write to one directory, of a thousand files at most. */
function measure_workers(): void
{
    $command = array_merge([PHP_BINARY], ['-d', 'ffi.enable=1', __DIR__ . '/worker.php', $GLOBALS['folder']]);
    $start = hrtime(true);
    $outputs = [];
    for ($i = 0; $i < 50; $i++) {
        $workers[] = proc_open($command, [1 => ['pipe', 'w']], $pipes);
        $outputs[] = $pipes[1];
    }
    $said = array_map(static function ($output): array {
        return explode(' ', stream_get_contents($output)) + [0, 0, 0];
    }, $outputs);
    $took = hrtime(true) - $start;
    array_map('proc_close', $workers);
    [$writes, $cpuNs, $bytes] = array_map(null, ...$said);
    array_sum($writes) === 50 * 100 || fail('workers: ' . array_sum($writes) . ' of 5000 writes');
    echo "workers\tnative\t", intdiv($took, 5000), "\nworkers-cpu\tnative\t", intdiv(array_sum($cpuNs), 5000),
        "\nworkers-memory\tnative\t", max($bytes), "\n";
    remove_buffer();
}

/**
 * A listener that reads nothing: what a call of a thousand costs; of ten for the reference, each as slow.
 * And each call by itself.
 */
function measure_wedged(array $ways): void
{
    $listener = stream_socket_server("udg://$GLOBALS[folder]/s", $number, $error, STREAM_SERVER_BIND);
    $other = stream_socket_client("udg://$GLOBALS[folder]/s");
    stream_set_blocking($other, false);
    while (@stream_socket_sendto($other, 'full') > 0) {
    }
    foreach (senders($ways, profile(0, 2)) as $way => $send) {
        $samples = [];
        for ($i = $way === 'reference' ? 10 : 1000; $i > 0; $i--) {
            $start = hrtime(true);
            $send();
            $samples[] = hrtime(true) - $start;
        }
        echo "wedged\t$way\t", intdiv(array_sum($samples), count($samples)), "\n";
        report('wedged-call', [$way => $samples]);
    }
    fclose($listener);
    unlink("$GLOBALS[folder]/s");
    remove_buffer();
}

function measure_cleanup(array $ways): void
{
    foreach ($ways as $way => $space) {
        $buffer = buffer_of($way);
        is_dir($buffer) || mkdir($buffer);
        for ($i = 0; $i < 100000; $i++) {
            touch(sprintf('%s/profile_20260101_000000_%08x.json', $buffer, $i));
        }
        $start = hrtime(true);
        ($space . 'cleanup_old_buffers')(-1);
        echo "cleanup\t$way\t", intdiv(hrtime(true) - $start, 100000), "\n";
        glob("$buffer/profile_*") === [] || fail("cleanup: $way left files");
    }
    remove_buffer();
}

function remove_buffer(): void
{
    foreach (glob("$GLOBALS[buffer]-*") as $buffer) {
        exec('rm -rf ' . escapeshellarg($buffer));
    }
}

/** A listener is there, and takes each datagram when the clock has stopped. */
function compare(string $row, array $ways, int $calls = 500): void
{
    $listener = stream_socket_server("udg://$GLOBALS[folder]/s", $number, $error, STREAM_SERVER_BIND);
    $other = stream_socket_client("udg://$GLOBALS[folder]/s");
    $length = 0;
    $samples = interleaved($ways, $calls, static function (string $way) use ($listener, $other, &$length): void {
        if ($way === 'json_encode') { // which sends nothing; the next one is to find the same caches
            stream_socket_sendto($other, str_repeat('x', $length));
        }
        $length = strlen(stream_socket_recvfrom($listener, 1 << 17));
    });
    unlink("$GLOBALS[folder]/s");
    echo "# $row: $length bytes\n";
    report($row, $samples);
}

/**
 * One call of each way in turn, another one first each time.
 *
 * @param callable|null $clock nanoseconds; null: hrtime
 * @return array<string, list<int>> nanoseconds by way, without the first ten calls
 */
function interleaved(array $ways, int $calls, ?callable $after = null, ?callable $clock = null): array
{
    $clock = $clock ?? static function (): int {
        return hrtime(true);
    };
    $samples = [];
    for ($call = -10; $call < $calls; $call++) {
        $ways = array_slice($ways, 1) + $ways;
        foreach ($ways as $way => $send) {
            $start = $clock();
            $send();
            $samples[$way][] = $clock() - $start;
            $after === null || $after($way);
        }
    }
    return array_map(static function (array $all): array {
        return array_slice($all, 10);
    }, $samples);
}

function report(string $row, array $samples): void
{
    foreach ($samples as $way => $all) {
        echo "$row\t$way\t", implode("\t", $all), "\n";
    }
}

/** The CPU time of a whole process that sends one profile: PHP's start, the files that it compiles, the send. */
function measure_process(): void
{
    $listener = stream_socket_server("udg://$GLOBALS[folder]/s", $number, $error, STREAM_SERVER_BIND);
    $samples = interleaved(array_map(static function (string $way): callable {
        $command = [PHP_BINARY, '-d', 'ffi.enable=1', __DIR__ . '/once.php', $way];
        return static function () use ($command): void {
            proc_close(proc_open($command, [], $pipes, null, ['LISTENER_SOCKET' => "$GLOBALS[folder]/s"] + getenv()));
        };
    }, ['native' => 'native', 'reference' => 'reference']), 20, static function () use ($listener): void {
        strlen((string) stream_socket_recvfrom($listener, 1 << 17)) > 0 || fail('process: nothing was sent');
    }, 'cpu_of_children');
    unlink("$GLOBALS[folder]/s");
    report('php-process', $samples);
}

/** @return int nanoseconds, of those that have ended */
function cpu_of_children(): int
{
    $used = getrusage(1);
    return ($used['ru_utime.tv_sec'] + $used['ru_stime.tv_sec']) * 1000000000
        + ($used['ru_utime.tv_usec'] + $used['ru_stime.tv_usec']) * 1000;
}

/** A forked child of a process that has started Go sends in turn with its parent, and says what its call took. */
function measure_forked(): void
{
    $listener = stream_socket_server("udg://$GLOBALS[folder]/s", $number, $error, STREAM_SERVER_BIND);
    $profile = profile(0, 2);
    write_to_disk_buffer(json_encode($profile)); // starts Go
    [$own, $childs] = stream_socket_pair(STREAM_PF_UNIX, STREAM_SOCK_STREAM, 0);
    $child = pcntl_fork();
    if ($child === 0) {
        fclose($own);
        while (fread($childs, 1) === '.') {
            $start = hrtime(true);
            $sent = send_profiling_data($profile);
            fwrite($childs, ($sent ? hrtime(true) - $start : -1) . "\n");
        }
        posix_kill(getmypid(), SIGKILL); // no destructor, no shutdown function
    }
    fclose($childs);
    for ($call = -10; $call < 500; $call++) {
        $start = hrtime(true);
        send_profiling_data($profile) || fail('forked: the parent has not sent');
        $samples['parent'][] = hrtime(true) - $start;
        stream_socket_recvfrom($listener, 1 << 17);
        fwrite($own, '.');
        $samples['child'][] = (int) fgets($own);
        end($samples['child']) > 0 || fail('forked: the child has not sent');
        stream_socket_recvfrom($listener, 1 << 17);
    }
    fclose($own);
    pcntl_waitpid($child, $status);
    unlink("$GLOBALS[folder]/s");
    report('php-forked', array_map(static function (array $all): array {
        return array_slice($all, 10);
    }, $samples));
}
