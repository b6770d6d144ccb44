<?php

namespace Transmit\Test;

use Transmit\Native;
use Transmit\Result;
use Transmit\Settings;

/**
 * The settings of oversize with which a profile is not shrunk.
 *
 * Each test is in a process of its own, because the library remembers what it has logged.
 *
 * @runTestsInSeparateProcesses
 * @preserveGlobalState disabled
 */
final class OversizeTest extends TransmitTestCase
{
    /** On a busy machine, too: a profile that cannot be encoded in this time is shrunk. */
    private const ENOUGH_TIME = ['timeout_us' => 500000];

    /** @return iterable<string, array{string, string, string}> face, setting, what the log says */
    public function waysToDisk(): iterable
    {
        yield 'buffer, plain' => ['plain', 'buffer', 'bytes, and oversize is "buffer"'];
        yield 'buffer, native' => ['native', 'buffer', 'bytes, and oversize is "buffer"'];
        yield 'memfd, plain' => ['plain', 'memfd', 'plain PHP cannot pass a memfd'];
    }

    /** @dataProvider waysToDisk */
    public function testWholeToDisk(string $face, string $oversize, string $why): void
    {
        $listener = new Listener($this->socket);
        $this->useFace($face, ['oversize' => $oversize] + self::ENOUGH_TIME);
        $send = static function (): bool {
            return send_profiling_data(self::large());
        };
        self::assertFalse($this->timed($send));
        self::assertFalse(send_large_data(self::large(), $this->socket));
        self::assertNull($listener->receive());
        self::assertCount(2, $this->buffered());
        foreach ($this->buffered() as $json) {
            self::assertSame(self::large()['sql'], json_decode($json, true)['sql']);
            self::assertStringNotContainsString('truncated', $json);
        }
        self::assertCount(1, $this->logLines());
        $this->assertLogged("/$why/");
    }

    public function testAMemfdIsAnEmptyDatagramToThisListener(): void
    {
        $listener = new Listener($this->socket);
        $this->useFace('native', ['oversize' => 'memfd'] + self::ENOUGH_TIME);
        for ($try = 0; $try < 20 && Native::configure(Settings::current()) === Result::ESTARTING; $try++) {
            continue; // on a busy machine, Go may start too late for the first call
        }
        self::assertTrue(send_profiling_data(self::large()));
        self::assertSame('', $listener->receive());
        self::assertTrue(send_profiling_data(['small' => 1]));
        self::assertStringContainsString('"small":1', (string) $listener->receive());
        self::assertSame([], $this->buffered() + $this->logLines());
        self::assertSame('', Native::why());
    }

    /** @dataProvider faces */
    public function testWhatTakesTooLongToEncodeIsCut(string $face): void
    {
        $this->useFace($face, ['oversize' => 'buffer', 'timeout_us' => 20000]);
        $data = ['sql' => ['queries' => array_fill(0, 200000, ['sql' => str_repeat('x', 50)])]];
        send_profiling_data($data); // encoding it whole takes longer than 10 ms
        for ($i = 0; $i < 100 && $this->buffered() === []; $i++) {
            usleep(20000); // the library's write goes on
        }
        self::assertStringContainsString('"sql_truncated":true', implode($this->buffered()));
    }

    /** The profile's length is estimated before it is encoded. */
    public function testIsShrunkOnlyIfItDoesNotFit(): void
    {
        $listener = new Listener($this->socket);
        foreach (self::queriesOfAllKinds() as $kind => $queries) {
            $data = ['sql' => $queries];
            $this->useFace('plain', ['max_datagram_size' => 1 << 20] + self::ENOUGH_TIME);
            send_profiling_data($data);
            $length = strlen((string) $listener->receive());
            self::assertGreaterThan(4096, $length, $kind);
            // A time has 1 to 6 decimals.
            foreach ([$length + 16 => false, $length - 16 => true] as $limit => $isShrunk) {
                $this->useFace('plain', ['max_datagram_size' => $limit] + self::ENOUGH_TIME);
                send_profiling_data($data);
                $sent = (string) $listener->receive();
                self::assertSame($isShrunk, strpos($sent, '"sql_truncated":true') !== false, "$kind, $limit bytes");
            }
        }
    }

    /** @return iterable<string, array<string, array<mixed>>> */
    private static function queriesOfAllKinds(): iterable
    {
        yield 'numbers' => ['queries' => array_fill(0, 5000, 1)];
        yield 'lists of numbers' => ['queries' => array_fill(0, 2000, [1, 2, 3])];
        yield 'lists of texts' => ['queries' => array_fill(0, 2000, ['x', ''])];
        yield 'empty' => ['queries' => array_fill(0, 2000, []) + array_fill(2000, 2000, ['' => null])];
        yield 'texts' => ['queries' => array_fill(0, 1000, ['sql' => str_repeat('x', 90), 'time_ms' => 1])];
        yield 'bytes that are no text' => ['queries' => array_fill(0, 1500, ["\xc3\xe2\x82", true])];
        yield 'lists in rows' => ['queries' => array_fill(0, 1000, ['sql' => str_repeat('x', 90), 'trace' => [1]])];
    }

    public function testQueriesThatContainThemselvesFit(): void
    {
        $listener = new Listener($this->socket);
        $queries = array_fill(0, 500, null);
        $queries['sql'] = str_repeat('x', 1000);
        for ($i = 0; $i < 500; $i++) {
            $queries[$i] = &$queries;
        }
        $this->useFace('plain', self::ENOUGH_TIME);
        self::assertTrue(send_profiling_data(['xhprof' => array_fill(0, 2048, 1), 'sql' => ['queries' => &$queries]]));
        self::assertStringNotContainsString('truncated', (string) $listener->receive());
    }

    private static function large(): array
    {
        return ['sql' => ['queries' => array_fill(0, 1000, ['sql' => str_repeat('x', 100), 'time_ms' => 1])]];
    }
}
