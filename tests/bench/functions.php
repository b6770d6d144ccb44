<?php

/**
 * bench.php's functions.
 */

const ROUNDS = 20;
const CALLS = 25; // of one way: a switch of ways costs the first call of a round, which is not counted

/** @return array what a request of a database application sends, of about $queries * 100 bytes */
function profile(int $queries): array
{
    $data = ['correlation_id' => 'bench', 'url' => '/orders', 'elapsed_ms' => 812.5];
    for ($i = 0; $i < $queries; $i++) {
        $data['sql']['queries'][] = ['sql' => "SELECT * FROM orders WHERE id = $i AND state <> 'closed'",
            'time_ms' => $i * 1.25, 'rows' => $i];
    }
    return $data;
}

/** @return array<callable> by name; each takes a profile */
function ways(?string $reference): array
{
    $ways = ['native' => 'send_profiling_data', 'plain' => 'send_profiling_data'];
    if ($reference === null) {
        return $ways;
    }
    // Its functions have the same names: here, they get a namespace.
    $code = preg_replace('/^<\?php|^require_once.*$/m', '', file_get_contents($reference));
    eval('namespace Reference; function get_profiling_config() { return \get_profiling_config(); }' . $code);
    return $ways + ['reference' => 'Reference\send_profiling_data'];
}

/** @return list<int> nanoseconds of each call */
function measure(callable $send, array $profile, $listener): array
{
    $samples = [];
    for ($i = 0; $i <= CALLS; $i++) {
        $start = hrtime(true);
        $isSent = $send($profile);
        $samples[] = hrtime(true) - $start;
        $isSent || exit("not sent\n");
        stream_socket_recvfrom($listener, 1 << 17);
    }
    return array_slice($samples, 1);
}

function median(array $samples): int
{
    sort($samples);
    return $samples[intdiv(count($samples), 2)];
}

function get_profiling_config(): array
{
    return $GLOBALS['config'];
}
