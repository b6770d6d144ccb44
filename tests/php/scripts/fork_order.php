<?php

/**
 * Families of five generations, one for each argument such as 01001: those with a 1
 * send before they fork; then each sends. Prints id and result of each.
 */

require __DIR__ . '/config.php';
require dirname(__DIR__, 3) . '/php/transmitter.php';

function send(string $id): void
{
    $sent = send_profiling_data(['id' => $id]);
    fwrite(STDOUT, $id . ($sent ? " sent\n" : " not sent\n"));
}

/** Runs $work in a child and waits for its end. */
function in_child(callable $work): void
{
    $pid = pcntl_fork();
    if ($pid === 0) {
        $work();
        exit(0);
    }
    pcntl_waitpid($pid, $status);
    if ($status !== 0) {
        fwrite(STDOUT, "a-child died\n");
    }
}

function generation(string $order, int $number): void
{
    if ($order[$number] === '1') {
        send("$order.$number.first");
    }
    if ($number < 4) {
        in_child(static function () use ($order, $number): void {
            generation($order, $number + 1);
        });
    }
    send("$order.$number.then");
}

foreach (array_slice($argv, 1) as $order) {
    in_child(static function () use ($order): void {
        generation($order, 0);
    });
}
