<?php

namespace Transmit\Test;

/**
 * The listener is there: every function that sends, with the library and in plain PHP.
 */
final class SendTest extends TransmitTestCase
{
    private Listener $listener;

    protected function setUp(): void
    {
        parent::setUp();
        $this->listener = new Listener($this->socket);
    }

    protected function tearDown(): void
    {
        $this->listener->close();
        parent::tearDown();
    }

    /** @dataProvider faces */
    public function testSendProfilingDataAddsMeta(string $face): void
    {
        $this->useFace($face);
        $data = ['correlation_id' => 'ü/1', '_meta' => 'mine', 'list' => [1, 2.5, null]];

        self::assertTrue($this->timed(static function () use ($data): bool {
            return send_profiling_data($data);
        }));

        $sent = json_decode($this->listener->receive(), true);
        self::assertIsFloat($sent['_meta']['timestamp']);
        self::assertEqualsWithDelta(microtime(true), $sent['_meta']['timestamp'], 5);
        self::assertMatchesRegularExpression('/^[0-9a-f]{16}$/', $sent['_meta']['id']);
        unset($sent['_meta']['timestamp'], $sent['_meta']['id']);
        self::assertSame(
            ['_meta' => ['php_version' => PHP_VERSION, 'transmitter_version' => '1.0']] + $data,
            ['_meta' => $sent['_meta']] + $sent
        );
        self::assertSame([], $this->buffered());
        self::assertSame([], $this->logLines());
    }

    /** @dataProvider faces */
    public function testTransmitOrBufferIsTheSame(string $face): void
    {
        $this->useFace($face);
        self::assertTrue(transmit_or_buffer(['a' => 1]));
        self::assertStringStartsWith('{"a":1,"_meta":{', $this->listener->receive());
    }

    /** @dataProvider faces */
    public function testSendViaSocketSendsTheBytesAsTheyAre(string $face): void
    {
        $this->useFace($face, ['listener_socket' => $this->folder . '/other']);
        foreach (['{ "a" : 1e2 }', '{}', 'not JSON', str_repeat('x', 65507)] as $bytes) {
            $result = $this->timed(function () use ($bytes): bool {
                return send_via_socket($bytes, $this->socket);
            });
            self::assertTrue($result);
            self::assertSame($bytes, $this->listener->receive());
        }
    }

    /** @dataProvider faces */
    public function testOneByteMoreThanADatagramGoesToDisk(string $face): void
    {
        $this->useFace($face);
        $json = str_repeat('x', 65508);
        self::assertFalse(send_via_socket($json, $this->socket));
        self::assertSame([$json], $this->buffered());
        self::assertNull($this->listener->receive());
    }

    /** @dataProvider faces */
    public function testSendLargeDataCutsAndKeepsTheCallersMeta(string $face): void
    {
        $this->useFace($face);
        $data = ['_meta' => ['timestamp' => 1.5], 'sql' => ['queries' => self::queries(101)]];
        self::assertTrue(send_large_data($data, $this->socket));
        $sent = json_decode($this->listener->receive(), true);
        self::assertSame(['timestamp' => 1.5, 'sql_truncated' => true], $sent['_meta']);
        self::assertCount(100, $sent['sql']['queries']);
        self::assertSame(100, $sent['sql']['queries'][0]['time_ms']);
    }

    /** @dataProvider faces */
    public function testTooLargeProfileIsCutThenSent(string $face): void
    {
        $this->useFace($face);
        $data = ['sql' => ['queries' => self::queries(1000, str_repeat('x', 200))]];
        self::assertTrue($this->timed(static function () use ($data): bool {
            return send_profiling_data($data);
        }));
        $sent = json_decode($this->listener->receive(), true);
        self::assertTrue($sent['_meta']['sql_truncated']);
        self::assertArrayNotHasKey('truncated', $sent['_meta']);
    }

    /** @dataProvider faces */
    public function testWriteToDiskBufferDoesNotSend(string $face): void
    {
        $this->useFace($face);
        self::assertTrue(write_to_disk_buffer('{}'));
        self::assertSame(['{}'], $this->buffered());
        self::assertNull($this->listener->receive());
    }

    /** @dataProvider faces */
    public function testOtherSettingsHoldFromTheNextCallOn(string $face): void
    {
        $this->useFace($face);
        self::assertTrue(send_via_socket('{"long":1}', $this->socket));
        $this->useFace($face, ['max_datagram_size' => 9]);
        self::assertFalse(send_via_socket('{"long":2}', $this->socket));
        self::assertSame(['{"long":2}'], $this->buffered());
        self::assertTrue(send_via_socket('{"s": 3}', $this->socket));
    }

    /** @dataProvider faces */
    public function testAPathThatNoSocketCanHaveIsNotTheConfiguredOne(string $face): void
    {
        $this->useFace($face);
        $paths = ['', 'relative.sock', "/a\0b", '/' . str_repeat('x', 107), '@abstract', 'unix:///tmp/s'];
        foreach ($paths as $path) {
            self::assertFalse(send_via_socket('{"n":2}', $path), $path);
            self::assertFalse(send_large_data(['n' => 3, '_meta' => []], $path), $path);
        }
        self::assertCount(2 * count($paths), $this->buffered());
        self::assertTrue(send_via_socket('{"n":1}', $this->socket));
        self::assertSame('{"n":1}', $this->listener->receive());
    }

    /** @dataProvider faces */
    public function testAListGetsMetaToo(string $face): void
    {
        $this->useFace($face);
        foreach (['[]' => [], '[7]' => [7]] as $data) {
            self::assertTrue(send_profiling_data($data));
            self::assertSame('1.0', json_decode($this->listener->receive(), true)['_meta']['transmitter_version']);
        }
    }

    public function testWhatIsCutIsNotEvenEncoded(): void
    {
        $queries = self::queries(1000, str_repeat('x', 200));
        $queries[0]['object'] = new class implements \JsonSerializable {
            public function jsonSerialize(): array
            {
                throw new \LogicException('encoded');
            }
        };
        self::assertTrue(send_profiling_data(['sql' => ['queries' => $queries]]));
    }

    public function testAnApplicationsConfigMayHoldTheSocketOnly(): void
    {
        self::setConfig(['listener_socket' => $this->socket]);
        self::assertTrue(send_profiling_data(['a' => 1]));
    }

    /** @dataProvider faces */
    public function testBinaryStringsDoNotBecomeNull(string $face): void
    {
        $this->useFace($face);
        self::assertTrue(send_profiling_data(['sql' => "\xff'a'", 'nan' => NAN]));
        self::assertStringStartsWith('{"sql":"\ufffd\'a\'","nan":0,', $this->listener->receive());
    }

    private static function queries(int $count, string $sql = 'q'): array
    {
        return array_map(static function (int $i) use ($sql): array {
            return ['sql' => $sql, 'time_ms' => $i];
        }, range(0, $count - 1));
    }
}
