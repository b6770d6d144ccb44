<?php

/**
 * A child forked before and one forked after the parent's first send. Prints who
 * reached the listener, how many threads it has then, and how many profiles the library has sent for it.
 */

require __DIR__ . '/config.php';
require dirname(__DIR__, 3) . '/php/transmitter.php';

function report(string $who): void
{
    $sent = send_profiling_data(['id' => $who]);
    $threads = count(scandir('/proc/self/task')) - 2;
    $byLibrary = get_transmit_stats()['process']['sent'] ?? 0;
    echo $who, ' ', $sent ? 'sent' : 'not sent', " $threads $byLibrary\n";
}

function in_child(string $who): void
{
    $pid = pcntl_fork();
    if ($pid === 0) {
        report($who);
        exit(0);
    }
    pcntl_waitpid($pid, $status);
    if (!pcntl_wifexited($status) || pcntl_wexitstatus($status) !== 0) {
        echo $who, " died\n";
    }
}

in_child('before');
report('parent');
in_child('after');
report('parent again');
