<?php

/**
 * Included by Native where PHP has no scope from ffi.preload: binds Cdef\Functions, or returns why not.
 *
 * This file and its folder are never preloaded: here, PHP applies ffi.enable.
 *
 * @var string|null $library
 */

require_once dirname(__DIR__, 2) . '/autoload.php';

$transmitFfi = \Transmit\Cdef\Library::bind($library);
if (is_string($transmitFfi)) {
    return $transmitFfi;
}
\Transmit\Cdef\Functions::bind($transmitFfi);
return null;
