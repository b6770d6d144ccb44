<?php

namespace Transmit;

/**
 * What became of a profile: the TRANSMIT_ results of transmit.h.
 */
final class Result
{
    public const SENT = 0;
    public const BUFFERED = 1;
    public const PENDING = 2;

    public const EINVAL = -1;
    public const ENULL = -2;
    public const EEMPTY = -3;
    public const ESYNTAX = -4;
    public const ENOTOBJECT = -5;
    public const EDEPTH = -6;
    public const EUTF8 = -7;
    public const ETOOBIG = -8;

    public const EFORKED = -20;
    public const ERESOURCE = -21;
    public const ESTARTING = -22;
    public const EPANIC = -23;

    public const EBUSY = -40;
    public const ENODIR = -41;
    public const EFULL = -42;
    public const EIO = -43;
    public const ETIMEDOUT = -44;

    /** Whether plain PHP can still send the profile: the library was not called, or cannot run here. */
    public static function leavesItToPlain(int $result): bool
    {
        return $result === Native::NOT_CALLED || $result <= self::EFORKED && $result >= self::EPANIC;
    }
}
