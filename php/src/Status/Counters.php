<?php

namespace Transmit\Status;

/**
 * What the library's counters mean, in one line each: transmit.h says more.
 */
final class Counters
{
    /** What became of a call's profile. */
    public const RESULTS = [
        'sent' => "the listener's socket took it",
        'buffered' => 'one whole file in the disk buffer',
        'pending' => 'time was up while the disk was at it: the write went on',
        'refused' => 'the call was wrong, or the library cannot run',
        'lost' => 'neither the listener nor the disk took it',
    ];

    public const MORE = [
        'written_later' => 'pending profiles that came to be in the disk buffer',
        'lost_later' => 'pending profiles that the disk did not take',
        'replayed' => 'profiles that were sent from the disk buffer',
        'shrunk' => 'profiles that were cut',
        'waits_in_vain' => 'calls that waited for a full queue, and in vain',
        'connects' => 'connections to a listener: of each process, and after a restart',
        'sent_bytes' => 'bytes of those that were sent, as they were given',
        'buffered_bytes' => 'bytes of those that were buffered or pending',
    ];

    /** Of results that have several. */
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
            'forked' => 'in a child of a process that had started the library',
            'resource' => 'too few threads or too little memory left',
            'starting' => 'time was up before the library had started',
            'panic' => 'a defect in the library',
        ],
        'lost' => [
            'busy' => 'too many profiles wait for a slow disk',
            'no_directory' => 'no buffer directory can be used',
            'full' => 'the disk, its inodes or a quota are used up',
            'io' => 'the file could not be written',
            'timed_out' => 'time was up before it was checked and copied',
        ],
    ];
}
