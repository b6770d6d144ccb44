<?php

namespace Transmit\Profiler;

/**
 * The fields of a profile that describe the machine, the process, the command and the trace.
 */
final class Origin
{
    /** Errors that end a script with exit status 255. */
    private const FATAL = E_ERROR | E_CORE_ERROR | E_COMPILE_ERROR | E_PARSE | E_RECOVERABLE_ERROR | E_USER_ERROR;

    /** @return array<string, mixed> */
    public static function describe(float $startedAt, int $pid): array
    {
        return [
            'host' => function_exists('gethostname') ? gethostname() : '',
            'sapi' => PHP_SAPI,
            'pid' => $pid,
            'started_at' => round($startedAt, 6),
        ] + self::command() + self::trace();
    }

    /**
     * The script, and exit_code 255 after a fatal error. PHP does not tell other exit statuses.
     *
     * @return array<string, mixed>
     */
    private static function command(): array
    {
        if (PHP_SAPI !== 'cli' && PHP_SAPI !== 'phpdbg') {
            return [];
        }
        $isFatal = ((error_get_last()['type'] ?? 0) & self::FATAL) !== 0;
        $script = $_SERVER['SCRIPT_FILENAME'] ?? '';
        return ['script' => is_string($script) ? $script : ''] + ($isFatal ? ['exit_code' => 255] : []);
    }

    /**
     * The ids in the W3C header traceparent, if it is valid.
     *
     * @return array<string, string>
     */
    private static function trace(): array
    {
        $header = $_SERVER['HTTP_TRACEPARENT'] ?? null;
        $isTrace = is_string($header) && preg_match(
            '/^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-[0-9a-f]{2}(?:-|$)/D',
            $header,
            $ids
        ) === 1;
        return $isTrace ? ['trace_id' => $ids[1], 'span_id' => $ids[2]] : [];
    }
}
