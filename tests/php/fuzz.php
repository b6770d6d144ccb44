<?php

/**
 * Random PHP values, sent natively and in plain PHP: each is the same JSON as json_encode's, or is lost with a log
 * line where that is right; no call takes longer than 50 ms of CPU time (60, for a busy machine); nothing is raised;
 * the process lives.
 *
 *     php tests/php/fuzz.php SECONDS [SEED]   with SEED, that value only
 *
 * Stops at the first value that is not so, and prints its seed, which repeats it.
 */

namespace Transmit\Test\Fuzz;

use Transmit\Native;
use Transmit\Settings;
use Transmit\Test\Listener;
use Transmit\Test\Scratch;

require __DIR__ . '/Scratch.php';
require __DIR__ . '/Listener.php';
require __DIR__ . '/fuzz_values.php';
require __DIR__ . '/fuzz_config.php';
require __DIR__ . '/../../php/transmitter.php';

const FLAGS = JSON_UNESCAPED_SLASHES | JSON_PARTIAL_OUTPUT_ON_ERROR | JSON_INVALID_UTF8_SUBSTITUTE;

function cpuMs(): float
{
    $used = getrusage();
    return ($used['ru_utime.tv_sec'] + $used['ru_stime.tv_sec']) * 1e3
        + ($used['ru_utime.tv_usec'] + $used['ru_stime.tv_usec']) / 1e3;
}

function fail(int $seed, string $face, string $what): void
{
    fwrite(STDERR, "fuzz: seed $seed, $face: $what\nrepeat it: php tests/php/fuzz.php 0 $seed\n");
    exit(1);
}

/** Waits for what the library still writes. */
function settle(): void
{
    do {
        $counts = get_transmit_stats()['process'];
        $isPending = $counts !== null && $counts['pending'] > $counts['written_later'] + $counts['lost_later'];
    } while ($isPending && usleep(1000) === null);
}

/** @return string|null what has arrived, without "_meta"; null: nothing */
function arrived(?Listener $listener, string $buffer): ?string
{
    $json = $listener === null ? null : $listener->receive();
    foreach (glob("$buffer/profile_*.json") as $file) {
        $json = ($json ?? '') . file_get_contents($file);
        unlink($file);
    }
    return $json === null ? null : preg_replace('/,?"_meta":\{"timestamp":[^{}]*\}\}$/D', '}', $json);
}

/** @return array{bool, string|null, float} whether it is sent; what has arrived; milliseconds of CPU time */
function send(Value $value, Listener $listener): array
{
    $cpu = cpuMs();
    $isSent = send_profiling_data($value->data);
    $cpu = cpuMs() - $cpu;
    settle();
    return [$isSent, arrived($isSent ? $listener : null, $GLOBALS['config']['buffer_dirs'][0]), $cpu];
}

/** Sends it again if it took too long: a busy machine makes CPU time longer, too. */
function checkTime(float $cpu, float $limit, int $seed, string $face, Value $value, Listener $listener): void
{
    $limit += (float) getenv('TRANSMIT_LATE_MS');
    for ($try = 0; $try < 3 && $cpu > $limit; $try++) {
        $cpu = min($cpu, send($value, $listener)[2]);
    }
    if ($cpu > $limit) {
        fail($seed, $face, sprintf('%.1f ms of CPU time, limit %.1f: %s', $cpu, $limit, $value->recipe));
    }
}

function check(int $seed, string $face, Value $value, Listener $listener): void
{
    global $config;
    $config['library'] = $face === 'native' ? null : '';
    if ($face === 'native' && !Native::isUsable(Settings::current())) {
        fail($seed, $face, Native::why());
    }
    // Half of them with time for everything, for what is encoded; half of them as it is, for the time.
    $hasTime = $value->isSmall && $seed % 2 === 0;
    $config['timeout_us'] = $hasTime ? 60000000 : 50000;
    json_decode('[');
    [$isSent, $got, $cpu] = send($value, $listener);
    if (json_last_error() !== JSON_ERROR_SYNTAX) {
        fail($seed, $face, 'json_last_error() is another: ' . $value->recipe);
    }
    if (!$hasTime) {
        checkTime($cpu, 60, $seed, $face, $value, $listener);
    }
    if ($value->isSmall && !$value->isRefused) {
        $alone = cpuMs();
        $want = json_encode($value->data + ['_meta' => 0], FLAGS);
        $alone = cpuMs() - $alone;
        if ($hasTime) {
            checkTime($cpu, 300 + 20 * $alone, $seed, $face, $value, $listener);
        }
        $want = preg_replace('/,?"_meta":0\}$/D', '}', $want);
        if ($got !== $want && ($hasTime || $got !== null)) {
            file_put_contents('php://stderr', substr("want $want", 0, 300) . "\n" . substr("got  $got", 0, 300) . "\n");
            fail($seed, $face, "other JSON: $value->recipe");
        }
    } elseif ($value->isRefused && $got !== null) {
        fail($seed, $face, "not refused: $value->recipe");
    } elseif ($isSent && $got === null) {
        fail($seed, $face, "sent, and nothing arrived: $value->recipe");
    }
}

ini_set('memory_limit', '512M');
Scratch::begin();
$folder = Scratch::folder();
mkdir("$folder/b", 0700);
ini_set('error_log', "$folder/log");
$config = ['listener_socket' => "$folder/s", 'buffer_dirs' => ["$folder/b"], 'buffer_max_files' => 0];
$listener = new Listener("$folder/s");
set_error_handler(static function (int $level, string $message, string $file, int $line): bool {
    fail($GLOBALS['seed'], '', "raised: $message at $file:$line");
    return true;
});
register_shutdown_function(static function (): void {
    $last = error_get_last();
    if ($last !== null && ($last['type'] & (E_ERROR | E_CORE_ERROR | E_COMPILE_ERROR)) !== 0) {
        fwrite(STDERR, "fuzz: seed {$GLOBALS['seed']}: {$last['message']} at {$last['file']}:{$last['line']}\n");
    }
});
$only = isset($argv[2]);
$seed = (int) ($argv[2] ?? crc32(uniqid('', true)));
$end = microtime(true) + (float) ($argv[1] ?? 10);
$count = 0;
do {
    $value = Value::random($seed);
    foreach (['native', 'plain'] as $face) {
        check($seed, $face, $value, $listener);
    }
    unset($value);
    $seed++;
    $count++;
} while (!$only && microtime(true) < $end);
gc_collect_cycles();
printf("fuzz: %d values, native and plain, up to seed %d\n", $count, $seed - 1);
