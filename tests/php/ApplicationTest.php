<?php

namespace Transmit\Test;

/**
 * An application's own code runs during a call. Afterwards the application's handlers and error states are as before.
 */
final class ApplicationTest extends TransmitTestCase
{
    private const OBJECT = '
        class Odd implements JsonSerializable {
            private $do;
            function __construct(callable $do) { $this->do = $do; }
            #[ReturnTypeWillChange]
            function jsonSerialize() { return ($this->do)(); }
        }
        set_error_handler($mine = static function ($level, $message) { echo "mine: $message\n"; return true; });
        function check() {
            $handler = set_error_handler(null);
            restore_error_handler();
            trigger_error("afterwards");
            echo $handler === $GLOBALS["mine"] ? "handler kept" : "handler changed", ", ",
                pcntl_async_signals() ? "async" : "not async", "\n";
        }
        pcntl_async_signals(true);
        ';

    /** What check() prints if the library has left everything as it was. */
    private const KEPT = "mine: afterwards\nhandler kept, async\n";

    /** @return array<string, array{string, string}> the program, its output */
    private function programs(): array
    {
        return $this->programsWithObjects() + $this->programsWithErrors();
    }

    /** @return array<string, array{string, string}> methods of an object run while the profile is encoded */
    private function programsWithObjects(): array
    {
        $kept = self::KEPT;
        return [
            'it throws' => [
                'var_dump(send_profiling_data(["o" => new Odd(static function () { throw new Exception("x"); })]));
                check();',
                "bool(false)\n$kept",
            ],
            'it warns' => [
                'var_dump(send_profiling_data(["o" => new Odd(static function () { return $undefined["x"]; })]));
                check();',
                "bool(false)\n$kept",
            ],
            'it exits' => [
                'register_shutdown_function("check");
                send_profiling_data(["o" => new Odd(static function () { exit(3); })]);',
                PHP_VERSION_ID < 80000 ? "mine: afterwards\nhandler changed, not async\n" : $kept,
            ],
            'it sends another profile' => [
                'var_dump(send_profiling_data(["o" => new Odd(static function () {
                    return send_profiling_data(["inner" => 1]);
                })]));
                check();',
                "bool(false)\n$kept",
            ],
            'it is a ring' => [
                '$o = new stdClass; $o->o = new Odd(static function () use ($o) { return $o; });
                var_dump(send_profiling_data(["o" => $o]));
                check();',
                "bool(false)\n$kept",
            ],
            'a signal handler throws' => [
                'pcntl_signal(SIGUSR1, static function () { throw new Exception("of the application"); });
                try {
                    send_profiling_data(["o" => new Odd(static function () {
                        posix_kill(getmypid(), SIGUSR1);
                        return 1;
                    })]);
                } catch (Exception $e) {
                    echo $e->getMessage(), "\n";
                }
                check();',
                "of the application\n$kept",
            ],
        ];
    }

    /** @return array<string, array{string, string}> */
    private function programsWithErrors(): array
    {
        $kept = self::KEPT;
        return [
            'json_last_error()' => [
                'foreach ([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10] as $error) {
                    Transmit\JsonError::restore($error);
                    send_profiling_data(["a" => NAN, "o" => new Odd(static function () { return json_decode("x"); })]);
                    send_profiling_data(["a" => 1]);
                    replay_disk_buffer();
                    get_transmit_stats();
                    echo json_last_error(), " ";
                }
                check();',
                "0 1 2 3 4 5 6 7 8 9 10 $kept",
            ],
            'error_get_last()' => [
                'restore_error_handler(); @trigger_error("before"); set_error_handler($mine);
                send_profiling_data(["a" => NAN]);
                echo error_get_last()["message"], "\n";
                check();',
                "before\n$kept",
            ],
        ];
    }

    /** @return iterable<string, array{string, string, string}> */
    public function cases(): iterable
    {
        foreach (['plain', 'native'] as $face) {
            foreach ($this->programs() as $name => [$body, $want]) {
                yield "$name, $face" => [$face, $body, $want];
            }
        }
    }

    /** @dataProvider cases */
    public function testNothingIsOtherThanBefore(string $face, string $body, string $want): void
    {
        $this->useFace($face);
        $library = $face === 'native' ? 'native' : '';
        $program = Program::write($this->folder, [$this->buffer], self::OBJECT . $body, $library);
        self::assertSame($want, Program::run("php $program")['output']);
    }

    /** A fiber is suspended in mid-call; meanwhile the application raises an error and sets a handler. */
    public function testASuspendedFiberLeavesTheApplicationItsErrors(): void
    {
        if (PHP_VERSION_ID < 80100) {
            $this->addToAssertionCount(1); // it has no fibers
            return;
        }
        $program = Program::write($this->folder, [$this->buffer], self::OBJECT . '
            $fiber = new Fiber(static function () {
                $sent = send_profiling_data(["o" => new Odd(static function () { return Fiber::suspend(1); })]);
                echo $sent ? "sent\n" : "buffered\n";
            });
            $fiber->start();
            trigger_error("meanwhile");
            set_error_handler($second = static function ($level, $message) { echo "second: $message\n"; return true; });
            $fiber->resume("resumed");
            trigger_error("with the second");
            restore_error_handler();
            trigger_error("with the first");');
        $want = "mine: meanwhile\nbuffered\nsecond: with the second\nmine: with the first\n";
        self::assertSame($want, Program::run("php $program")['output']);
        self::assertStringContainsString('"o":"resumed"', $this->buffered()[0]);
    }

    /** select() cannot wait for them, and signals interrupt a wait. */
    public function testAWaitWithAHighDescriptorAndSignals(): void
    {
        $program = Program::write($this->folder, [$this->buffer], '
            for ($i = 0; $i < 1100; $i++) {
                $open[] = fopen("/dev/null", "r");
            }
            $path = get_profiling_config()["listener_socket"];
            $listener = stream_socket_server("udg://$path", $number, $error, STREAM_SERVER_BIND);
            $client = stream_socket_client("udg://$path");
            stream_set_blocking($client, false);
            while (@stream_socket_sendto($client, "x") === 1) {
                continue;
            }
            pcntl_signal(SIGALRM, static function () {});
            if (pcntl_fork() === 0) {
                for ($i = 0; $i < 5; $i++) {
                    usleep(3000);
                    posix_kill(posix_getppid(), SIGALRM);
                }
                stream_socket_recvfrom($listener, 10);
                posix_kill(getmypid(), SIGKILL);
            }
            echo json_encode(send_profiling_data(["a" => 1]));
            pcntl_wait($status);', '');
        $ran = Program::run("ulimit -n 4096; php $program");
        self::assertSame('true', $ran['output'], $ran['errors']);
        self::assertSame([], $this->buffered());
    }
}
