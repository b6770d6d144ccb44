<?php

/**
 * Loads the classes, unless preloading or another copy of these files has.
 */

foreach (
    [
        'Quiet', 'Result', 'Deadline', 'Directory', 'Stamp', 'Log', 'Settings', 'SocketPath', 'Native',
        'BufferDirectory', 'BufferFile', 'BufferLimits', 'Cleanup', 'BackOff', 'PlainSocket', 'Replay', 'Plain',
        'Transmission', 'Stats', 'SizeBound', 'Encoder', 'Cut', 'Profile', 'ListenerCheck', 'Request', 'TopFunctions',
        'Profiler',
    ] as $transmitClass
) {
    if (!class_exists('Transmit\\' . $transmitClass, false)) {
        require_once __DIR__ . '/' . $transmitClass . '.php';
    }
}
unset($transmitClass);
