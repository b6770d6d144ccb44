<?php

/**
 * A child forked before and one forked after the parent's first send. Prints who
 * reached the listener, and how many threads it has then.
 */

require __DIR__ . '/config.php';
require dirname(__DIR__, 3) . '/php/transmitter.php';

function report(string $who): void
{
    $sent = send_profiling_data(['id' => $who]);
    echo $who, ' ', $sent ? 'sent' : 'not sent', ' ', count(scandir('/proc/self/task')) - 2, "\n";
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
