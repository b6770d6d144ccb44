<?php

namespace Transmit;

/**
 * Restores the application's json_last_error() after our calls of json_encode.
 */
final class JsonError
{
    /** For each error, a text for which json_decode reports it. */
    private const DECODES = [
        JSON_ERROR_STATE_MISMATCH => '[}',
        JSON_ERROR_CTRL_CHAR => "[\"\x01\"]",
        JSON_ERROR_SYNTAX => 'x',
        JSON_ERROR_INVALID_PROPERTY_NAME => '{"\u0000":1}',
        JSON_ERROR_UTF16 => '"\ud800"',
    ];

    /** @param int $error json_last_error() before our calls */
    public static function restore(int $error): void
    {
        if (json_last_error() === $error) {
            return;
        }
        try {
            if (isset(self::DECODES[$error])) {
                json_decode(self::DECODES[$error]);
                return;
            }
            json_encode(self::culprit($error), 0, $error === JSON_ERROR_DEPTH ? 1 : 512);
        } catch (\Error $e) {
            return; // a function is disabled: the error cannot be restored
        }
    }

    /** @return mixed a value for which json_encode reports this error */
    private static function culprit(int $error)
    {
        switch ($error) {
            case JSON_ERROR_DEPTH:
                return [[]];
            case JSON_ERROR_UTF8:
                return "\xff";
            case JSON_ERROR_RECURSION:
                $array = [];
                $array[] = &$array;
                return [$array];
            case JSON_ERROR_INF_OR_NAN:
                return NAN;
            case JSON_ERROR_UNSUPPORTED_TYPE:
                return stream_context_create();
        }
        return null;
    }
}
