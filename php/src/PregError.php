<?php

namespace Transmit;

/**
 * Restores the application's preg_last_error() after our calls of preg functions.
 */
final class PregError
{
    /** For each error, a pattern and the start of a text for which preg_match() reports it. */
    private const MATCHES = [
        PREG_NO_ERROR => ['//', ''],
        PREG_INTERNAL_ERROR => ['/(/', ''],
        PREG_BACKTRACK_LIMIT_ERROR => ['/(*NO_JIT)(*LIMIT_MATCH=1)a+?b/', 'aac b'],
        PREG_RECURSION_LIMIT_ERROR => ['/(*NO_JIT)(*LIMIT_DEPTH=1)(a)+?b/', 'aac b'],
        PREG_BAD_UTF8_ERROR => ['//u', "\xff"],
        PREG_BAD_UTF8_OFFSET_ERROR => ['//u', "\u{e9}"],
        PREG_JIT_STACKLIMIT_ERROR => ['/^(a(?1)?b?)$/', 'a'],
    ];

    private const JIT_STACK_BYTES = 20000;

    /** @return int|null preg_last_error(); null: it is disabled */
    public static function get(): ?int
    {
        try {
            return preg_last_error();
        } catch (\Error $e) {
            return null;
        }
    }

    /**
     * May raise a warning, which the caller keeps from the application.
     *
     * @param int|null $error get() before our calls
     */
    public static function restore(?int $error): void
    {
        try {
            if ($error !== null && preg_last_error() !== $error) {
                [$pattern, $text] = self::MATCHES[$error];
                $text = $error === PREG_JIT_STACKLIMIT_ERROR ? str_repeat($text, self::JIT_STACK_BYTES) : $text;
                preg_match($pattern, $text, $found, 0, $error === PREG_BAD_UTF8_OFFSET_ERROR ? 1 : 0);
            }
        } catch (\Error $e) {
            return; // a function is disabled: the error cannot be restored
        }
    }
}
