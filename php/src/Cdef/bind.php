<?php

/**
 * Included by Native where PHP has no scope from ffi.preload: returns the FFI object, or a string that says why not.
 *
 * Preloaded code may use FFI, and so may whatever it loads a class with: an application's autoloader may be FFI::load.
 * This file and its folder are never preloaded. The class is loaded from here, where PHP applies ffi.enable.
 *
 * @var string|null $library
 */

require_once dirname(__DIR__, 2) . '/autoload.php';

return \Transmit\Cdef\Library::bind($library);
