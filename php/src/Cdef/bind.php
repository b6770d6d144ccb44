<?php

/**
 * Binds Cdef\Functions, or returns why not. Native includes it if PHP has no scope from ffi.preload.
 *
 * This file and its folder are never preloaded, so PHP applies ffi.enable to them.
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
