<?php

/**
 * Writes one profile while all names that it would use first are taken: the random numbers are chosen for that. With
 * the argument "no links", the file system has no hard links.
 */

namespace Transmit\Plain;

/** @var int how often a name was wanted */
$tries = 0;

function random_int(int $min, int $max): int
{
    return $GLOBALS['tries']++;
}

function gmdate(string $format): string
{
    return '20200101_000000';
}

if (($argv[1] ?? '') === 'no links') {
    function link(string $from, string $to): bool
    {
        return false;
    }
}

require __DIR__ . '/config.php';
require dirname(__DIR__, 3) . '/php/transmitter.php';

echo write_to_disk_buffer('{"id":"written"}') ? 'written' : 'not written', " $tries\n";
