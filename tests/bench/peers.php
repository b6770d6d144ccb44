<?php

/**
 * How long a call takes beside other clients, whatever has happened to the listener or the disk.
 *
 *     peers.php FOLDER DISK
 *
 * DISK is the program of tests/disk; without it, no disk is slow. For each situation and client it prints what each
 * call took, and how many percent of the profiles are at the listener or in a file then.
 */

require __DIR__ . '/functions.php';
require __DIR__ . '/rows.php';

$folder = $argv[1];
$buffer = "$folder/disk/b"; // the slow disk is mounted on that folder
mkdir("$folder/disk");
ini_set('error_log', "$folder/log");
load_ways(getenv('BENCH_PHP') ?: dirname(__DIR__, 2) . '/php', getenv('BENCH_REFERENCE') ?: __DIR__ . '/peer.php');

/** As perftools/php-profiler saves to a file. */
function save_line(array $profile, string $folder): void
{
    is_dir($folder) || mkdir($folder);
    file_put_contents("$folder/lines", json_encode($profile) . "\n", FILE_APPEND);
}

/** As DogStatsD's clients send to a Unix socket: without waiting, without a second way. */
function send_and_forget(array $profile, string $path): void
{
    $socket = socket_create(AF_UNIX, SOCK_DGRAM, 0);
    socket_set_nonblock($socket);
    $json = json_encode($profile);
    @socket_sendto($socket, $json, strlen($json), 0, $path);
    socket_close($socket);
}

/** @return array<string, callable> by client */
function clients(array $profile): array
{
    return [
        'native' => static function () use ($profile): void {
            send_profiling_data($profile);
        },
        'reference' => static function () use ($profile): void {
            Reference\send_profiling_data($profile);
        },
        'file' => static function () use ($profile): void {
            save_line($profile, buffer_of('file'));
        },
        'forget' => static function () use ($profile): void {
            send_and_forget($profile, "$GLOBALS[folder]/s");
        },
    ];
}

function kept(string $client): int
{
    $lines = @file(buffer_of($client) . '/lines') ?: [];
    return count($lines) + count(glob(buffer_of($client) . '/profile_*.json'));
}

/**
 * @param array<string, int> $calls by client; one that takes a second is called less often
 * @param callable|null $receive what arrived since the last time, "" if nothing has
 * @param callable|null $tell is called when the calls are over
 */
function situation(string $name, array $calls, ?callable $receive = null, ?callable $tell = null): void
{
    $clients = clients(profile(20, 20));
    $samples = array_fill_keys(array_keys($clients), []);
    $received = array_fill_keys(array_keys($clients), 0);
    for ($call = 0; $call < max($calls); $call++) {
        foreach ($clients as $client => $send) {
            if ($call < $calls[$client]) {
                $start = hrtime(true);
                $send();
                $samples[$client][] = hrtime(true) - $start;
                $received[$client] += $receive !== null && $receive() !== '' ? 1 : 0;
            }
        }
    }
    report("peers-$name", $samples);
    $tell === null || $tell();
    foreach ($received as $client => $count) {
        wait_for_disk($client, $calls[$client] - $count);
        printf("peers-%s-kept\t%s\t%d\n", $name, $client, 100 * ($count + kept($client)) / $calls[$client]);
    }
    remove_buffer();
}

/** What the library has taken over is soon in a file. */
function wait_for_disk(string $client, int $files): void
{
    for ($wait = 0; $wait < 100 && kept($client) < $files && $client === 'native'; $wait++) {
        usleep(20000);
    }
}

/** @return resource a listener's socket, which no datagram has arrived at */
function listen()
{
    @unlink("$GLOBALS[folder]/s");
    $listener = stream_socket_server("udg://$GLOBALS[folder]/s", $number, $error, STREAM_SERVER_BIND);
    stream_set_blocking($listener, false);
    return $listener;
}

$all = array_fill_keys(['native', 'reference', 'file', 'forget'], 1000);
$listener = listen();
situation('well', $all, static function () use ($listener): string {
    return (string) stream_socket_recvfrom($listener, 1 << 17);
});
fclose($listener);
unlink("$folder/s");
situation('absent', $all);
$listener = listen();
$other = stream_socket_client("udg://$folder/s");
stream_set_blocking($other, false);
while (@stream_socket_sendto($other, 'full') > 0) {
    continue;
}
situation('wedged', ['reference' => 20] + $all);
fclose($listener);
unlink("$folder/s");
if (!isset($argv[2])) {
    exit("peers-hung\t-\tit takes root and /dev/fuse\n");
}
mkdir("$folder/beneath");
$disk = proc_open([$argv[2], "$folder/beneath", "$folder/disk"], [['pipe', 'r'], ['pipe', 'w']], $pipes);
fgets($pipes[1]);
array_map(static function (string $client): void {
    mkdir(buffer_of($client));
}, ['native', 'reference', 'file']);
$tell = static function (string $command) use ($pipes): void {
    fwrite($pipes[0], "$command\n");
    fgets($pipes[1]);
};
$tell('slow 200');
$calls = ['native' => 20, 'reference' => 2, 'file' => 2, 'forget' => 20];
situation('hung', $calls, null, static function () use ($tell): void {
    $tell('works');
});
fclose($pipes[0]);
proc_close($disk);
