<?php

namespace Transmit\Test;

/**
 * The listener does not take the profile, for each reason: the result is false, the file is complete, one log line
 * says why, and the call is in time.
 *
 * Each test is in a process of its own, because the library remembers what it has logged and for whom it has waited.
 *
 * @runTestsInSeparateProcesses
 * @preserveGlobalState disabled
 */
final class ErrorRoadsTest extends TransmitTestCase
{
    /** On a busy machine, the time of a profile is up before it is written. The tests have limits of their own. */
    private const PATIENT = ['timeout_us' => 400000];

    /** @var list<object|resource> kept open for the length of a test */
    private array $open = [];

    protected function tearDown(): void
    {
        $this->open = [];
        parent::tearDown();
    }

    /** @return iterable<string, array{string, string, string}> */
    public function roads(): iterable
    {
        $roads = [
            'absent' => 'No such file',
            'no folder' => 'No such file',
            'dead' => 'refused',
            'stream socket' => '',
            'directory' => '',
            'plain file' => '',
            '107 bytes, absent' => 'No such file',
            '108 bytes' => '108 bytes',
            'NUL' => 'NUL',
            'empty' => 'empty',
            'relative' => 'absolute path',
            'unix://' => 'without a scheme',
            'unixgram://' => 'without a scheme',
            '@' => 'or @ before it',
            'full queue' => 'queue',
        ];
        foreach (['plain', 'native'] as $face) {
            foreach ($roads as $road => $why) {
                yield "$road, $face" => [$face, $road, $why];
            }
        }
    }

    /** @dataProvider roads */
    public function testProfileIsOnDisk(string $face, string $road, string $why): void
    {
        $this->useFace($face, self::PATIENT);
        $path = $this->prepare($road);

        $result = $this->timed(static function () use ($path): bool {
            return send_via_socket('{"road":1}', $path);
        }, $road === 'full queue' ? 400 + 25 : self::CALL_MS);

        self::assertFalse($result);
        self::assertSame(['{"road":1}'], $this->buffered(), implode("\n", $this->logLines()));
        $this->assertLogged("/Profiler: profile buffered: .*$why.*; the profile is in /i");
    }

    /** @return iterable<string, array{string, string}> */
    public function buffersThatCannotBeUsed(): iterable
    {
        foreach (['plain', 'native'] as $face) {
            foreach (['under a file', 'under /proc', 'a link', "everybody's", "somebody else's"] as $kind) {
                yield "$kind, $face" => [$face, $kind];
            }
        }
    }

    /** @dataProvider buffersThatCannotBeUsed */
    public function testTheNextDirectoryIsTaken(string $face, string $kind): void
    {
        $bad = $this->prepareBuffer($kind);
        $this->useFace($face, ['buffer_dirs' => [$bad, $this->buffer]]);
        self::assertTrue(write_to_disk_buffer('{}'));
        self::assertSame(['{}'], $this->buffered());
        self::assertSame($this->buffer, get_buffer_directory());
    }

    /** @dataProvider buffersThatCannotBeUsed */
    public function testNoDirectoryIsALossThatIsLogged(string $face, string $kind): void
    {
        $this->useFace($face, ['buffer_dirs' => [$this->prepareBuffer($kind)]]);
        self::assertFalse($this->timed(static function (): bool {
            return send_profiling_data(['a' => 1]);
        }));
        self::assertFalse(write_to_disk_buffer('{}'));
        self::assertNull(get_buffer_directory());
        $this->assertLogged('/Profiler: profile lost: /');
    }

    /** @dataProvider faces */
    public function testAnEmptyStringIsRefused(string $face): void
    {
        $this->useFace($face);
        self::assertFalse(send_via_socket('', $this->socket));
        self::assertFalse(write_to_disk_buffer(''));
        self::assertSame([], $this->buffered());
        $this->assertLogged('/empty/');
    }

    /** @dataProvider faces */
    public function testStillTooLargeWhenShrunk(string $face): void
    {
        $this->useFace($face, self::PATIENT);
        self::assertFalse($this->timed(static function (): bool {
            return send_profiling_data(['big' => str_repeat('x', 70000), 'sql' => ['queries' => range(1, 101)]]);
        }));
        $kept = json_decode($this->buffered()[0], true);
        self::assertSame(70000, strlen($kept['big']));
        self::assertCount(100, $kept['sql']['queries']);
        $this->assertLogged('/too large for a datagram: \d+ bytes, even when it is shrunk/');
    }

    /** @dataProvider faces */
    public function testTenSendsWithNoListenerTakeUnder100Ms(string $face): void
    {
        $this->useFace($face, self::PATIENT);
        $this->timed(static function (): void {
            for ($i = 0; $i < 10; $i++) {
                send_profiling_data(['i' => $i]);
            }
        }, 100);
        self::assertCount(10, $this->buffered());
        self::assertCount(1, $this->logLines());
    }

    /** @dataProvider faces */
    public function testAWedgedListenerIsWaitedForOnce(string $face): void
    {
        $this->useFace($face);
        $path = $this->prepare('full queue');
        $this->timed(static function () use ($path): void {
            send_via_socket('{"first":1}', $path);
        });
        $this->timed(static function () use ($path): void {
            for ($i = 0; $i < 5; $i++) {
                send_via_socket('{}', $path);
            }
        }, 60);
        self::assertCount(6, $this->buffered());
    }

    /** @dataProvider faces */
    public function testAfterARestartTheNextProfileArrives(string $face): void
    {
        $this->useFace($face);
        (new Listener($this->socket))->close();
        self::assertFalse(send_profiling_data(['n' => 1]));
        unlink($this->socket);
        $listener = new Listener($this->socket);
        self::assertTrue(send_profiling_data(['n' => 2]));
        self::assertStringContainsString('"n":2', $listener->receive());
    }

    private function prepare(string $road): string
    {
        $path = $this->socket;
        switch ($road) {
            case 'no folder':
                return "$path/none/s";
            case 'dead':
                (new Listener($path))->close();
                return $path;
            case 'stream socket':
                $this->open[] = stream_socket_server("unix://$path");
                return $path;
            case 'directory':
                return $this->folder;
            case 'plain file':
                touch($path);
                return $path;
            case '107 bytes, absent':
            case '108 bytes':
                return str_pad("$this->folder/", (int) $road, 'x');
            case 'NUL':
                return "$path\0x";
            case 'empty':
                return '';
            case 'relative':
                return 'name-of-a-socket';
            case 'unix://':
            case 'unixgram://':
            case '@':
                return $road . $path;
            case 'full queue':
                $this->open[] = new Listener($path);
                $this->fill($path);
        }
        return $path;
    }

    private function prepareBuffer(string $kind): string
    {
        $directory = $this->folder . '/bad';
        switch ($kind) {
            case 'under /proc':
                return '/proc/none/buffer';
            case 'under a file':
                touch($directory);
                return "$directory/buffer";
            case 'a link':
                mkdir($this->folder . '/target');
                symlink($this->folder . '/target', $directory);
                return $directory;
            case "everybody's":
                mkdir($directory);
                chmod($directory, 0777);
                return $directory;
            default:
                mkdir($directory);
                if (posix_geteuid() !== 0) {
                    self::markTestSkipped('only root can give a directory away');
                }
                chown($directory, 65534);
                return $directory;
        }
    }
}
