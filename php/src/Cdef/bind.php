<?php

/**
 * Included by Native where PHP has no scope from ffi.preload: returns the FFI object, or a string that says why not.
 *
 * This file and its folder are never preloaded: here, PHP applies ffi.enable.
 *
 * @var string|null $library
 */

require_once dirname(__DIR__, 2) . '/autoload.php';

return \Transmit\Cdef\Library::bind($library);
