<?php

namespace Transmit\Test;

use Transmit\Modest;
use Transmit\Native;
use Transmit\TrySend;

/**
 * The one attempt that sends a profile of usual size, and which profiles it sends.
 */
final class TrySendTest extends TransmitTestCase
{
    /** @return array<string, array{string, string}> a profile in PHP; what the library says of Go when it is sent */
    public function profiles(): array
    {
        return [
            'small' => ['["url" => "/a", "elapsed_ms" => 1.5]', 'not started'],
            'with a _meta of the application' => ['["url" => "/a", "_meta" => "mine"]', 'not started'],
            '26 KB: 50 functions, 140 queries' => ['["xhprof" => ["profiling" => ["top_functions" =>
                array_fill(0, 50, ["function" => str_repeat("f", 40), "calls" => 3, "wall_ms" => 1.5])]],
                "sql" => ["queries" => array_fill(0, 140, ["sql" => str_repeat("q", 110), "time_ms" => 0.5])]]',
                'not started'],
            'in a process that uses much memory' => ['["url" => "/a", "much" => strlen($GLOBALS["much"]
                = str_repeat("m", 60000000))]', 'not started'],
            'objects' => ['["when" => new DateTime()]', 'runs'],
        ];
    }

    /** @dataProvider profiles */
    public function testAUsualProfileStartsNothing(string $profile, string $go): void
    {
        $program = Program::write($this->folder, [$this->buffer], '
            $listener = stream_socket_server("udg://" . get_profiling_config()["listener_socket"], $n, $e, 1 << 2);
            $tries = 0;
            do { // on a busy machine, Go may start too late for the first call
                $sent = send_profiling_data(' . $profile . ');
                $threads = count(glob("/proc/self/task/*"));
                $meta = json_decode(stream_socket_recvfrom($listener, 1 << 20), true)["_meta"]["transmitter_version"];
            } while (++$tries < 20 && get_transmit_stats()["go"] !== "' . $go . '");
            echo json_encode([$sent, get_transmit_stats()["go"], $threads === 1, $meta]);', 'native');
        $program = escapeshellarg($program);
        $ran = Program::run('php -d ffi.enable=true -d memory_limit=256M ' . $program);
        self::assertSame(json_encode([true, $go, $go !== 'runs', '1.0']), $ran['output'], $ran['errors']);
    }

    /** The listener goes and comes back during a request: each profile is at the listener or in a file, once. */
    public function testAnOutageWithinARequest(): void
    {
        $program = Program::write($this->folder, [$this->buffer], '
            $path = get_profiling_config()["listener_socket"];
            $send = static function (int $id): bool { return send_profiling_data(["id" => $id]); };
            $heard = static function ($listener): array {
                stream_set_blocking($listener, false);
                for ($ids = []; ($profile = stream_socket_recvfrom($listener, 9999)) != ""; ) {
                    $ids[] = json_decode($profile, true)["id"];
                }
                return $ids;
            };
            for ($try = 0; $try < 100 && Transmit\Native::configure(Transmit\Settings::current()) !== 0; $try++);
            $said = [$send(1), $send(2), write_to_disk_buffer("{}")];
            $listener = stream_socket_server("udg://$path", $n, $e, 1 << 2);
            if (($child = pcntl_fork()) === 0) {
                $send(5);
                posix_kill(getmypid(), 9);
            }
            pcntl_waitpid($child, $status);
            array_push($said, $send(3), $send(4), $heard($listener));
            fclose($listener) && unlink($path);
            array_push($said, $send(6), $send(7));
            $listener = stream_socket_server("udg://$path", $n, $e, 1 << 2);
            echo json_encode(array_merge($said, [$send(8), $heard($listener)]));', 'native');
        $ran = Program::run('php -d ffi.enable=true ' . escapeshellarg($program));
        $want = '[false,false,true,true,true,[5,3,4],false,false,true,[8]]';
        self::assertSame($want, $ran['output'], $ran['errors']);
        self::assertCount(5, $this->buffered());
    }

    /** Settings that the library does not take, because they have no JSON: plain PHP writes the profile. */
    public function testADirectoryThatIsNotUtf8(): void
    {
        $directory = "$this->folder/b\xff";
        $send = 'echo json_encode(send_profiling_data(["id" => 1]));';
        $program = Program::write($this->folder, [$directory], $send, 'native');
        $ran = Program::run('php -d ffi.enable=true ' . escapeshellarg($program));
        self::assertSame('false', $ran['output'], $ran['errors']);
        self::assertCount(1, glob("$directory/profile_*.json"));
    }

    /** @return array<string, array{array, bool}> */
    public function values(): array
    {
        $row = ['sql' => str_repeat('q', 100), 'time_ms' => 1.5, 'ok' => true, 'rows' => 3];
        $million = array_fill(0, 1000000, 1);
        $keys = array_flip(array_map('strval', range(1, 300000)));
        $doubled = ['x'];
        for ($i = 0; $i < 28; $i++) {
            $doubled = [$doubled, $doubled];
        }
        $ring = ['a' => 1];
        $ring['self'] = &$ring;
        $long = str_repeat('x', 4000000);
        return [
            'nothing' => [[], true],
            'rows' => [['sql' => ['queries' => array_fill(0, 200, $row)]], true],
            'too many rows' => [['sql' => ['queries' => array_fill(0, 600, $row)]], false],
            'a long text' => [['text' => $long], false],
            'a long text in one of many rows' => [['q' => [$row, $row, ['b' => $long], $row, $row]], false],
            'rows that share a long text' => [['q' => array_fill(0, 100, $row + ['blob' => $long])], false],
            'rows that share a long name' => [['q' => array_fill(0, 100, $row + [$long => 1])], false],
            'a long name' => [[$long => 1], false],
            'rows that share a list' => [['q' => array_fill(0, 100, $row + ['ids' => $million])], false],
            'rows that share a map' => [['q' => array_fill(0, 100, $row + ['ids' => $keys])], false],
            'a list in the last row only' => [['q' => array_merge(array_fill(0, 99, $row), [[$million]])], false],
            'a map' => [$keys, false],
            'doubled' => [['d' => $doubled], false],
            'doubled, in a row' => [['q' => [$row, [$doubled]]], false],
            'it holds itself' => [$ring, false],
            'an object' => [['o' => new \stdClass()], false],
            'an object in a row' => [['q' => [$row, ['o' => new \ArrayObject([1])]]], false],
            'true' => [['a' => true, 'q' => [['b' => true, 'c' => [true]]]], true],
            'small arrays in rows' => [['q' => array_fill(0, 100, $row + ['ids' => [1, 2, 3]])], true],
        ];
    }

    /** @dataProvider values */
    public function testModest(array $value, bool $is): void
    {
        class_exists(Modest::class); // loads it
        self::assertSame($is, $this->timed(static function () use ($value): bool {
            return Modest::is($value);
        }, 5));
    }

    public function testNoMethodOfAnObjectIsCalled(): void
    {
        $object = new class implements \ArrayAccess {
            public static int $calls = 0;

            public function offsetExists($offset): bool
            {
                return (bool) ++self::$calls;
            }

            #[\ReturnTypeWillChange]
            public function offsetGet($offset)
            {
                return ++self::$calls;
            }

            public function offsetSet($offset, $value): void
            {
                self::$calls++;
            }

            public function offsetUnset($offset): void
            {
                self::$calls++;
            }

            public function __toString(): string
            {
                return (string) ++self::$calls;
            }
        };
        foreach ([['o' => $object], ['q' => [['o' => $object]]], ['q' => [$object]]] as $value) {
            self::assertFalse(Modest::is($value));
            self::assertSame(Native::NOT_CALLED, TrySend::profile($value));
        }
        self::assertSame(0, $object::$calls);
    }
}
