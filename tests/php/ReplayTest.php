<?php

namespace Transmit\Test;

use Transmit\Plain\ListenerSocket;
use Transmit\Plain\Tags;
use Transmit\Quiet;

/**
 * replay_disk_buffer(), by the library and in plain PHP.
 */
final class ReplayTest extends TransmitTestCase
{
    /** What listens, in a process of its own: each datagram becomes a line of a file. */
    private const RECEIVER = '
        $socket = stream_socket_server("udg://$argv[1]", $number, $error, STREAM_SERVER_BIND);
        $file = fopen($argv[2], "a");
        while (true) {
            fwrite($file, stream_socket_recvfrom($socket, 1 << 20) . "\n");
        }';

    /** @var resource|null */
    private $receiver;

    protected function tearDown(): void
    {
        if ($this->receiver !== null) {
            proc_terminate($this->receiver, SIGKILL);
            proc_close($this->receiver);
            $this->receiver = null;
        }
        parent::tearDown();
    }

    /** @dataProvider faces */
    public function testTheOldestGoFirstAndEachOnce(string $face): void
    {
        $this->useFace($face);
        for ($i = 0; $i < 50; $i++) {
            $this->put("{\"id\":$i}", 100 - $i);
        }
        self::assertSame(0, replay_disk_buffer(), 'nobody is there');
        $this->listen();
        self::assertSame(20, $this->replayAll(20));
        self::assertCount(30, $this->buffered());
        self::assertSame(30, $this->replayAll(0));
        self::assertSame(0, $this->replay(0));
        $wanted = array_map(static function (int $i): string {
            return "{\"id\":$i}";
        }, range(0, 49));
        self::assertSame($wanted, $this->received(50));
        self::assertSame([], glob("$this->buffer/*"));
        self::assertSame([], glob("$this->buffer/.transmit-sending-*"));
    }

    /** @return iterable<string, array{string, string, string}> face, content, what its name begins with then */
    public function contents(): iterable
    {
        foreach (['plain', 'native'] as $face) {
            yield "empty, $face" => [$face, '', 'bad_profile_'];
            yield "cut off, $face" => [$face, '{"id":"a', 'bad_profile_'];
            yield "a list, $face" => [$face, '[1]', 'bad_profile_'];
            yield "zeros, $face" => [$face, "\0\0\0\0", 'bad_profile_'];
            yield "too large, $face" => [$face, '{"id":"' . str_repeat('x', 1100) . '"}', 'profile_'];
            yield "half a pair, $face" => [$face, '{"id":"\ud800"}', ''];
            yield "a name that PHP has no property for, $face" => [$face, '{"\u0000a":1}', ''];
            foreach ([511 => '', 512 => '', 513 => 'bad_profile_'] as $levels => $left) {
                $content = '{"a":' . str_repeat('[', $levels - 1) . str_repeat(']', $levels - 1) . '}';
                yield "nested $levels times, $face" => [$face, $content, $left];
            }
        }
    }

    /** @dataProvider contents */
    public function testWhatCannotBeSentIsNotInTheWay(string $face, string $content, string $left): void
    {
        $this->useFace($face, ['max_datagram_size' => 1100]);
        $this->put($content, 20);
        $this->put('{"id":2}', 10);
        $this->listen();
        self::assertSame($left === '' ? 2 : 1, $this->replay(0));
        self::assertSame($left === '' ? [$content, '{"id":2}'] : ['{"id":2}'], $this->received($left === '' ? 2 : 1));
        $files = array_map('basename', glob("$this->buffer/*"));
        self::assertCount($left === '' ? 0 : 1, $files);
        self::assertSame($left, substr($files[0] ?? '', 0, strlen($left)));
        self::assertSame(0, $this->replay(0), 'a second time');
    }

    /** @dataProvider faces */
    public function testAnyIntegersAreLimits(string $face): void
    {
        $this->useFace($face);
        $this->listen();
        foreach ([PHP_INT_MAX, PHP_INT_MAX - 1, 1 << 54, 1 << 33, 0, -1, PHP_INT_MIN] as $limit) {
            $this->put('{"id":1}', 1);
            self::assertSame(1, replay_disk_buffer($limit, $limit), (string) $limit);
        }
        self::assertSame([], $this->logLines());
    }

    /** @dataProvider faces */
    public function testOnlyRegularFilesOfThisUserAreRead(string $face): void
    {
        $this->useFace($face);
        mkdir($this->buffer);
        $name = $this->buffer . '/profile_20250101_000000_0000000';
        symlink('/etc/passwd', $name . '1.json');
        posix_mkfifo($name . '2.json', 0666);
        mkdir($name . '3.json');
        if (posix_geteuid() === 0) {
            file_put_contents($name . '4.json', '{"id":"foreign"}');
            chown($name . '4.json', 12345);
        }
        $before = scandir($this->buffer);
        $this->put('{"id":"mine"}', 1);
        $this->listen();
        self::assertSame(1, $this->replay(0));
        self::assertSame(['{"id":"mine"}'], $this->received(1));
        self::assertSame([], array_diff($before, scandir($this->buffer)));
    }

    /** @dataProvider faces */
    public function testAWedgedListenerEndsItInTime(string $face): void
    {
        $this->useFace($face);
        for ($i = 0; $i < 100; $i++) {
            $this->put("{\"id\":$i}", 100 - $i);
        }
        $listener = new Listener($this->socket);
        $sent = $this->timed('replay_disk_buffer');
        self::assertLessThan(20, $sent);
        self::assertCount(100 - $sent, $this->buffered());
        $listener->close();
    }

    /** @dataProvider faces */
    public function testOneProcessAtATime(string $face): void
    {
        $this->useFace($face);
        $this->put('{"id":1}', 1);
        $this->listen();
        $tags = $this->tags();
        $name = "$tags->state/.transmit-replay-$tags->own-" . posix_geteuid();
        $lock = fopen($name, 'c');
        chmod($name, 0600);
        self::assertTrue(flock($lock, LOCK_EX | LOCK_NB));
        self::assertSame(0, $this->replay(0));
        fclose($lock);
        self::assertSame(1, $this->replay(0));
    }

    /** @dataProvider faces */
    public function testWhatADeadProcessWasSendingIsSentAgain(string $face): void
    {
        $this->useFace($face);
        $this->put('{"id":1}', 1);
        $this->put('{"id":2}', 2);
        [$old, $new] = glob("$this->buffer/*");
        rename($old, "$this->buffer/.transmit-sending-" . posix_geteuid()); // as version 1.0 had it
        rename($new, $this->tags()->state . '/' . basename($new));
        $this->listen();
        self::assertSame(2, $this->replay(0));
        $received = $this->received(2);
        sort($received);
        self::assertSame(['{"id":1}', '{"id":2}'], $received);
    }

    /** A library that was killed between link() and unlink() leaves two names. */
    public function testOfTwoNamesOneIsLeft(): void
    {
        $this->put('{"id":1}', 1);
        $this->put('{"id":2}', 2);
        $this->put('{"id":3}', 3);
        [$bad, $moved, $claimed] = glob("$this->buffer/*");
        $state = $this->tags()->state;
        link($claimed, "$state/" . basename($claimed));
        link($bad, "$state/" . basename($bad));
        rename($bad, "$this->buffer/bad_" . basename($bad));
        rename($moved, "$state/" . basename($moved));
        link("$state/" . basename($moved), "$this->folder/of another user");
        $this->listen();
        self::assertSame(1, $this->replay(0));
        self::assertSame(['{"id":1}'], $this->received(1));
        self::assertSame(["$this->buffer/bad_" . basename($bad)], glob("$this->buffer/*"));
        self::assertSame(["$state/" . basename($moved)], glob("$state/profile_*"));
    }

    /** @dataProvider faces */
    public function testProfilesInALaterDirectoryAreSentAndRemoved(string $face): void
    {
        $first = "$this->folder/first";
        $this->useFace($face, ['timeout_us' => 5000000]);
        self::assertTrue(write_to_disk_buffer('{"id":1}'));
        self::assertTrue(write_to_disk_buffer('{"id":2}'));
        $this->useFace($face, [
            'buffer_dirs' => [$first, "$this->folder/none", $this->buffer],
            'timeout_us' => 5000000,
        ]);
        self::assertTrue(write_to_disk_buffer('{"id":3}'));
        $this->listen();
        self::assertSame(3, $this->replay(0));
        self::assertEqualsCanonicalizing(['{"id":1}', '{"id":2}', '{"id":3}'], $this->received(3));
        touch($left = "$this->buffer/profile_20200101_000000_" . $this->tags()->own . '0000.json', 1);
        cleanup_old_buffers();
        self::assertFileDoesNotExist($left);
        self::assertDirectoryDoesNotExist("$this->folder/none");
    }

    /** @dataProvider faces */
    public function testAsManyAsWantedOfAllDirectories(string $face): void
    {
        $more = ['timeout_us' => 5000000];
        $this->useFace($face, $more);
        self::assertTrue(write_to_disk_buffer('{"id":1}'));
        self::assertTrue(write_to_disk_buffer('{"id":2}'));
        $this->useFace($face, $more + ['buffer_dirs' => ["$this->folder/first", $this->buffer]]);
        self::assertTrue(write_to_disk_buffer('{"id":3}'));
        $this->listen();
        self::assertSame(2, $this->replay(2));
        self::assertCount(1, $this->buffered());
    }

    public function testProfilesOfAnotherListenerStayInALaterDirectory(): void
    {
        $this->useFace('plain', ['listener_socket' => "$this->folder/other"]);
        self::assertTrue(write_to_disk_buffer('{"id":1}'));
        $this->useFace('plain', ['buffer_dirs' => ["$this->folder/first", $this->buffer]]);
        $this->listen();
        self::assertSame(0, $this->replay(0));
        self::assertCount(1, $this->buffered());
        self::assertCount(1, glob("$this->buffer/.transmit-state-*/listener-*"), 'it takes no number there');
    }

    public function testPlainReplayLeavesRoomInTheQueueOfASlowListener(): void
    {
        for ($i = 0; $i < 300; $i++) {
            $this->put('{}', $i);
        }
        $listener = new Listener($this->socket);
        $program = Program::write($this->folder, [$this->buffer], 'replay_disk_buffer(0, 5000000);');
        $process = proc_open("exec php $program", [], $pipes);
        while ($listener->receive() === null) {
            continue; // it has not begun
        }
        for ($i = 0, $full = 0; $i < 100; $i++) {
            usleep(5000);
            $full += (int) ListenerSocket::probe($this->socket)[2];
            $listener->receive();
        }
        proc_terminate($process, SIGKILL);
        proc_close($process);
        self::assertLessThan(50, $full, 'of 100 times, the queue was full');
    }

    public function testCleanupGivesItBack(): void
    {
        $this->put('{"id":1}', 30);
        $name = glob("$this->buffer/*")[0];
        rename($name, "$this->buffer/.transmit-sending-" . posix_geteuid());
        cleanup_old_buffers();
        self::assertSame(substr($name, 0, -13), substr(glob("$this->buffer/profile_*")[0], 0, -13));
        $this->put('x', 120);
        rename(glob("$this->buffer/profile_*")[0], "$this->buffer/bad_profile_20250101_000000_00000000.json");
        cleanup_old_buffers();
        self::assertCount(1, glob("$this->buffer/*"), 'what was set aside is old, too');
    }

    /** @dataProvider faces */
    public function testKilledAtAnyMomentNothingIsLost(string $face): void
    {
        $this->useFace($face);
        for ($i = 0; $i < 3000; $i++) {
            $this->put("{\"id\":$i}", 3000 - $i);
        }
        $this->listen();
        $library = $face === 'plain' ? '' : 'native';
        $body = 'replay_disk_buffer(1); echo "it began\n"; while (true) { replay_disk_buffer(0, 1000000); }';
        $program = Program::write($this->folder, [$this->buffer], $body, $library);
        $kills = 0;
        for (; $kills < 15; $kills++) {
            $process = proc_open('exec php -d ffi.enable=true ' . $program, [1 => ['pipe', 'w']], $pipes);
            fgets($pipes[1]);
            usleep(567 * $kills);
            proc_terminate($process, SIGKILL);
            proc_close($process);
        }
        self::assertLessThan(3000, count(glob("$this->buffer/profile_*")), 'they were killed before they sent');
        $this->replayAll(0);
        $counts = array_count_values($this->received(3000));
        self::assertCount(3000, $counts);
        self::assertLessThanOrEqual(3000 + $kills, array_sum($counts));
        self::assertSame([], glob("$this->buffer/*"));
    }

    private function put(string $json, int $ageMinutes): void
    {
        if (!is_dir($this->buffer)) {
            mkdir($this->buffer);
        }
        $time = time() - 60 * $ageMinutes;
        $path = sprintf('%s/profile_%s_%08x.json', $this->buffer, gmdate('Ymd_His', $time), $ageMinutes);
        file_put_contents($path, $json);
        touch($path, $time);
    }

    private function tags(): Tags
    {
        return Quiet::call(function (): Tags {
            return Tags::read($this->buffer, $this->socket);
        }, null);
    }

    private function replay(int $maxFiles): int
    {
        return replay_disk_buffer($maxFiles, 5000000);
    }

    /** Also if the listener of a busy machine has not read for a while. */
    private function replayAll(int $maxFiles): int
    {
        for ($sent = 0, $i = 0; $i < 50 && glob("$this->buffer/profile_*") !== []; $i++) {
            $sent += $this->replay($maxFiles === 0 ? 0 : $maxFiles - $sent);
            if ($sent === $maxFiles) {
                break;
            }
        }
        return $sent;
    }

    private function listen(): void
    {
        $command = [PHP_BINARY, '-r', self::RECEIVER, $this->socket, "$this->folder/received"];
        $this->receiver = proc_open($command, [], $pipes);
        for ($i = 0; $i < 1000 && !file_exists($this->socket); $i++) {
            usleep(5000);
            clearstatcache();
        }
    }

    /** @return list<string> all, when there are so many */
    private function received(int $count): array
    {
        for ($i = 0; $i < 500; $i++) {
            $lines = is_file("$this->folder/received") ? file("$this->folder/received", FILE_IGNORE_NEW_LINES) : [];
            if (count(array_unique($lines)) >= $count) { // a killed replay may have sent one twice
                break;
            }
            usleep(10000);
        }
        return $lines;
    }
}
