<?php

namespace Transmit\Status;

/**
 * One line of explanation for each counter of the library. transmit.h describes them.
 */
final class Counters
{
    /** Each call increments one of these. */
    public const RESULTS = [
        'sent' => "the listener's socket took it",
        'buffered' => 'one whole file in the disk buffer',
        'pending' => 'in memory, on its way to the disk when the call ended',
        'refused' => 'a wrong call, or the library cannot run',
        'lost' => 'neither listener nor disk took it',
    ];

    public const MORE = [
        'written_later' => 'pending ones, written in the end',
        'lost_later' => 'pending ones that could not be written',
        'replayed' => 'sent from the disk buffer',
        'shrunk' => 'shrunk to fit a datagram',
        'waits_in_vain' => 'waits for a full queue that timed out',
        'connects' => 'connections to the listener',
        'sent_bytes' => 'bytes of the profiles that were sent, as they were given',
        'buffered_bytes' => 'bytes of the profiles that were buffered or pending',
    ];

    /** Results below 0 are counted by cause. */
    public const CAUSES = [
        'refused' => [
            'invalid' => 'a setting or a flag',
            'null' => 'no document',
            'empty' => 'an empty document',
            'syntax' => 'not valid JSON',
            'not_object' => 'JSON, but not an object',
            'depth' => 'nested too deeply',
            'utf8' => 'not UTF-8',
            'too_big' => 'over 64 MiB',
            'forked' => 'in a forked child of a process that had started the library\'s Go part',
            'resource' => 'too few threads or too little memory left',
            'starting' => 'no time was left to start the library\'s Go part',
            'panic' => 'a defect in the library',
        ],
        'lost' => [
            'busy' => 'too many profiles wait for a slow disk',
            'no_directory' => 'no buffer directory can be used',
            'full' => 'the disk, its inodes or a quota are used up',
            'io' => 'another error of the disk',
            'timed_out' => 'large profiles that no time was left to check and copy',
        ],
    ];
}
