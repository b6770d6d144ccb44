<?php

namespace Transmit\Test;

/**
 * What PHP keeps of the application's last calls is the same after a send: last errors, handlers, settings.
 */
final class LastErrorsTest extends TransmitTestCase
{
    /** For each error of preg, what the application has done: a pattern, a text, an offset. */
    private const PREG = [
        PREG_NO_ERROR => ['/a/', 'a', 0],
        PREG_INTERNAL_ERROR => ['/[/', '', 0],
        PREG_BACKTRACK_LIMIT_ERROR => ['/(*NO_JIT)(*LIMIT_MATCH=2)x+?y/', 'xxxx y', 0],
        PREG_RECURSION_LIMIT_ERROR => ['/(*NO_JIT)(*LIMIT_DEPTH=1)(x)+?y/', 'xxxx y', 0],
        PREG_BAD_UTF8_ERROR => ['/a/u', "\xfe", 0],
        PREG_BAD_UTF8_OFFSET_ERROR => ['/a/u', "\u{20ac}", 2],
    ];

    /** @return array<string, array{string, bool}> */
    public function days(): array
    {
        return [
            'plain, a listener' => ['plain', true],
            'plain, no listener' => ['plain', false],
            'native, a listener' => ['native', true],
            'native, no listener' => ['native', false],
        ];
    }

    /** @dataProvider days */
    public function testTheyStay(string $face, bool $isListening): void
    {
        $listener = $isListening ? new Listener($this->socket) : null;
        foreach (array_keys(self::PREG) as $error) {
            $socket = $listener === null ? "$this->folder/none$error" : $this->socket; // each has a log line of its own
            $this->useFace($face, ['listener_socket' => $socket]);
            foreach (
                [
                    'profile' => function (): bool {
                        return send_profiling_data(['a' => 1]);
                    },
                    'objects' => function (): bool {
                        return send_profiling_data(['a' => new \ArrayObject([1])]);
                    },
                    'JSON' => function () use ($socket): bool {
                        return send_via_socket('{"a":1}', $socket);
                    },
                    'shrunk' => function () use ($socket): bool {
                        return send_large_data(['a' => 1], $socket);
                    },
                ] as $name => $send
            ) {
                self::failInAllWays($error);
                $before = self::state();
                self::assertSame($isListening, $send(), "$name, $error");
                self::assertSame($before, self::state(), "$name, $error");
                $listener === null || $listener->receive();
            }
        }
        self::assertSame($isListening, $this->logLines() === []);
    }

    /** Settings whose check needs preg functions. The first send makes the check. */
    public function testTheyStayWhenSettingsAreNew(): void
    {
        foreach (array_keys(self::PREG) as $error) {
            $new = ['listener_user' => 'root', 'correlation_id_header' => 'X-Id', 'timeout_us' => 50000 + $error];
            $this->configure($new + ['library' => '']);
            self::failInAllWays($error);
            $before = self::state();
            send_profiling_data(['a' => 1]);
            self::assertSame($before, self::state(), (string) $error);
        }
    }

    /** @return array<string, array{string, string}> what jsonSerialize() does, the output */
    public function serializers(): array
    {
        return [
            'returns' => ['return 1;', 'end [true,"1",null]'],
            'warns' => ['trigger_error("mine"); return 1;', 'end [true,"1",null]'],
            'throws' => ['throw new Exception("mine");', 'end [true,"1",null]'],
            'exits' => ['exit;', '[true,"1",null]'],
        ];
    }

    /**
     * PHP collects cycles afterwards as before, and the error handler is the application's.
     *
     * @dataProvider serializers
     */
    public function testTheCollectorOfCycles(string $do, string $want): void
    {
        if (PHP_VERSION_ID < 80000 && $do === 'exit;') {
            self::markTestSkipped('before PHP 8, exit() calls no destructor');
        }
        $program = Program::write($this->folder, [$this->buffer], "
            final class Own implements JsonSerializable {
                #[ReturnTypeWillChange]
                public function jsonSerialize() { $do }
            }
            register_shutdown_function(function () {
                echo json_encode([gc_enabled(), ini_get('zend.enable_gc'), set_error_handler(null)]);
            });
            send_profiling_data(['a' => new Own()]);
            echo 'end ';");
        self::assertSame($want, Program::run("php -d display_errors=0 $program")['output']);
    }

    private static function failInAllWays(int $pregError): void
    {
        set_error_handler(null);
        [$pattern, $text, $offset] = self::PREG[$pregError];
        @preg_match($pattern, $text, $found, 0, $offset);
        json_decode("\x01");
        posix_kill(0x7ffffff0, 0);
        @file_get_contents(__DIR__ . '/nothing');
        restore_error_handler();
    }

    /** @return array<mixed> */
    private static function state(): array
    {
        return [
            preg_last_error(), json_last_error(), error_get_last(), posix_get_last_error(), libxml_get_errors(),
            function_exists('socket_last_error') ? socket_last_error() : 0, ob_get_level(), error_reporting(),
            gc_enabled(), ini_get('zend.enable_gc'), spl_autoload_functions(), umask(), getcwd(),
            setlocale(LC_ALL, '0'),
        ];
    }
}
