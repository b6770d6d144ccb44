<?php

namespace Transmit;

/**
 * Makes text safe for a log or a terminal. Other users may have chosen paths, messages and answers. A line feed would
 * fake a line of the log, an escape sequence is a command to a terminal, and U+202E reverses text.
 */
final class Printable
{
    private const MAX_BYTES = 2000;

    /** One line of a log. */
    public static function line(string $text): string
    {
        $short = strlen($text) > self::MAX_BYTES ? substr($text, 0, self::MAX_BYTES) . ' ...' : $text;
        return self::clean((string) preg_replace('/\s+/', ' ', $short));
    }

    /** A text that keeps its lines. */
    public static function lines(string $text): string
    {
        return implode("\n", array_map([self::class, 'clean'], explode("\n", strtr($text, ["\r\n" => "\n"]))));
    }

    /** Replaces each character that is neither visible nor a space by "?". */
    private static function clean(string $line): string
    {
        if (preg_match('//u', $line) !== 1) { // not UTF-8: a terminal may take 0x9b for an escape
            return (string) preg_replace('/[^\x20-\x7e]/', '?', $line);
        }
        return (string) preg_replace('/[\p{C}\p{Zl}\p{Zp}]/u', '?', $line);
    }
}
