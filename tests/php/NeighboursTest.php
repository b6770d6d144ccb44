<?php

namespace Transmit\Test;

use Transmit\Doctor\System;
use Transmit\Profiler\RateLimit;
use Transmit\Quiet;
use Transmit\Status\Backlog;

/**
 * A buffer directory that other users may write to, and one that two sites of a user share. As root, with users of
 * the test's own.
 */
final class NeighboursTest extends TransmitTestCase
{
    private const ATTACKER = 42903;

    protected function setUp(): void
    {
        parent::setUp();
        if (posix_geteuid() !== 0) {
            self::markTestSkipped('needs root');
        }
        mkdir($this->buffer);
        chmod($this->buffer, 01777);
    }

    /** @return iterable<string, array{string, string}> by the library or in plain PHP; what is there */
    public function things(): iterable
    {
        foreach (['plain', 'native'] as $face) {
            foreach (['sparse', 'many', 'hard links', 'links', 'FIFOs', 'folders'] as $thing) {
                yield "$face, $thing" => [$face, $thing];
            }
        }
    }

    /** @dataProvider things */
    public function testWhatIsNotOnesOwnNeitherCountsNorHidesNorGoes(string $face, string $thing): void
    {
        $this->useFace($face, ['buffer_max_files' => 20, 'buffer_max_bytes' => 1000000, 'timeout_us' => 1000000]);
        $count = $thing === 'many' ? 2500 : 30;
        for ($i = 0; $i < $count; $i++) {
            $this->leave($thing, sprintf('%s/profile_0001%04d_000000_%08x.json', $this->buffer, $i, $i));
        }
        for ($i = 0; $i < 10; $i++) {
            self::assertTrue(write_to_disk_buffer("{\"own\":$i}"));
        }
        self::assertCount($count + 10, $this->names(), 'none was evicted');
        cleanup_old_buffers(-10);
        self::assertCount($count, $this->names(), 'cleanup removes the own ones, and no other');
        write_to_disk_buffer('{"own":10}');
        $listener = new Listener($this->socket);
        self::assertSame(1, replay_disk_buffer(0, 5000000));
        self::assertSame('{"own":10}', $listener->receive());
        self::assertCount($count, $this->names());
    }

    /** @dataProvider faces */
    public function testSizesDoNotOverflow(string $face): void
    {
        $this->useFace($face, ['buffer_max_bytes' => PHP_INT_MAX, 'timeout_us' => 1000000]);
        for ($i = 0; $i < 4; $i++) {
            self::makeHuge("$this->buffer/profile_20200101_000000_0000000$i.json");
        }
        for ($i = 0; $i < 3; $i++) {
            self::assertTrue(write_to_disk_buffer("{\"own\":$i}"));
        }
        self::assertGreaterThanOrEqual(3, count($this->names()));
    }

    /** @dataProvider things */
    public function testThePagesTellOfOnesOwnOnly(string $face, string $thing): void
    {
        $this->useFace($face);
        write_to_disk_buffer('{"own":1}');
        $this->useFace($face, ['listener_socket' => "$this->folder/other"]);
        write_to_disk_buffer('{"of another listener":1}');
        $this->useFace($face);
        for ($i = 0; $i < 30; $i++) {
            $this->leave($thing, sprintf('%s/profile_0001%04d_000000_%08x.json', $this->buffer, $i, $i));
        }
        $status = Backlog::of($this->buffer, $this->socket);
        self::assertSame([1, 9], [$status->files, $status->bytes]);
        self::assertEqualsWithDelta(time(), $status->since, 60);
        $doctor = new \Transmit\Doctor\Backlog($this->buffer, $this->socket);
        self::assertSame([1, 9], [$doctor->files, $doctor->bytes]);
    }

    public function testPagesTellOfSizesThatOverflow(): void
    {
        $this->useFace('plain');
        for ($i = 0; $i < 4; $i++) {
            self::makeHuge("$this->buffer/profile_20200101_000000_0000000$i.json");
        }
        $huge = filesize("$this->buffer/profile_20200101_000000_00000000.json");
        $status = Quiet::call(function (): Backlog {
            return Backlog::of($this->buffer, $this->socket);
        }, null);
        self::assertSame($huge > PHP_INT_MAX / 4 ? PHP_INT_MAX : 4 * $huge, $status->bytes);
        self::assertMatchesRegularExpression('/^[\d.]{1,5} [TPE]B$/', System::bytes($status->bytes));
    }

    /** @return iterable<string, array{string, callable(string): mixed}> ways to buffer a profile for a listener */
    public function ways(): iterable
    {
        foreach (['plain', 'native'] as $face) {
            yield "$face, written" => [$face, false, static function (): void {
                write_to_disk_buffer('{"for":"a"}');
            }];
            yield "$face, sent" => [$face, false, static function (): void {
                send_profiling_data(['for' => 'a']);
            }];
            yield "$face, to another socket" => [$face, true, static function (string $path): void {
                send_via_socket('{"for":"a"}', $path);
            }];
            yield "$face, large, to another socket" => [$face, true, static function (string $path): void {
                send_large_data(['for' => 'a', 'pad' => str_repeat('x', 1000)], $path);
            }];
        }
    }

    /** @dataProvider ways */
    public function testAProfileIsReplayedToItsListenerOnly(string $face, bool $isOther, callable $send): void
    {
        [$a, $b] = ["$this->folder/a", "$this->folder/b"];
        $this->useFace($face, ['listener_socket' => $isOther ? $b : $a]);
        $send($a);
        self::assertCount(1, $this->buffered());
        $atB = new Listener($b);
        $this->useFace($face, ['listener_socket' => $b, 'buffer_max_files' => 1]);
        self::assertSame(0, replay_disk_buffer(0, 5000000));
        write_to_disk_buffer('{"for":"b"}');
        write_to_disk_buffer('{"for":"b"}');
        cleanup_old_buffers(-10);
        self::assertCount(1, $this->buffered(), 'B\'s limits and cleanup leave it alone');
        // The other way has the same numbers.
        $this->useFace($face === 'plain' ? 'native' : 'plain', ['listener_socket' => $b]);
        self::assertSame(0, replay_disk_buffer(0, 5000000));
        $atA = new Listener($a);
        $this->useFace($face === 'plain' ? 'native' : 'plain', ['listener_socket' => $a, 'max_datagram_size' => 9999]);
        self::assertSame(1, replay_disk_buffer(0, 5000000));
        self::assertStringContainsString('"for":"a"', $atA->receive());
        $atB->close();
    }

    /** @dataProvider faces */
    public function testAReplayThatCannotRunSaysWhy(string $face): void
    {
        $this->useFace($face);
        write_to_disk_buffer('{}');
        self::assertSame(0, replay_disk_buffer());
        $this->assertLogged('/nothing replayed: connect to .*no such file/i');
    }

    /**
     * Its own directory's name is taken, and the directory is full of others' names.
     *
     * @dataProvider faces
     */
    public function testAFloodOfNamesStopsNothing(string $face): void
    {
        $this->useFace($face, ['timeout_us' => 5000000]);
        $this->leave('folders', "$this->buffer/.transmit-state-0");
        $makeNames = 'seq -f x%g 30000 | xargs touch; find . -name "x*" -exec chown ' . self::ATTACKER . ' {} +';
        exec('cd ' . escapeshellarg($this->buffer) . "; $makeNames");
        for ($i = 0; $i < 6; $i++) {
            self::assertTrue(write_to_disk_buffer("{\"own\":$i}"));
        }
        $listener = new Listener($this->socket);
        for ($sent = 0, $try = 0; $sent < 6 && $try < 12; $try++) {
            $sent += replay_disk_buffer(0, 5000000);
            while ($listener->receive() !== null) {
                continue;
            }
        }
        self::assertSame(6, $sent);
        self::assertCount(1, glob("$this->buffer/.transmit-state-0-*"), 'one directory');
        exec('find ' . escapeshellarg($this->buffer) . ' -name "x*" -delete'); // faster than the test's own way
    }

    /** To look at each of them takes longer than a call may. */
    public function testNamesLikeOnesOwnHoldNobodyUp(): void
    {
        $this->useFace('plain');
        $this->leave('folders', "$this->buffer/.transmit-state-0");
        exec('cd ' . escapeshellarg($this->buffer) . '; seq -f .transmit-state-0-%g 20000 | xargs touch');
        $this->timed(static function (): void {
            self::assertTrue(write_to_disk_buffer('{"first":1}'));
        });
        $this->timed(static function (): void {
            self::assertTrue(write_to_disk_buffer('{"second":1}'));
        }, 25);
        exec('find ' . escapeshellarg($this->buffer) . ' -name ".transmit-state-0-*" -delete');
    }

    /** @dataProvider faces */
    public function testSquattedNamesStopNothing(string $face): void
    {
        $this->useFace($face, ['buffer_max_files' => 5, 'timeout_us' => 1000000]);
        foreach (['links', 'FIFOs', 'folders'] as $thing) {
            array_map('unlink', glob("$this->buffer/profile_*"));
            exec('rm -rf ' . escapeshellarg($this->buffer) . '/.transmit*');
            foreach (['state-0', 'state-0-0', 'sending-0', 'replay-0', 'count-0'] as $name) {
                $this->leave($thing, "$this->buffer/.transmit-$name");
            }
            for ($i = 0; $i < 10; $i++) {
                self::assertTrue(write_to_disk_buffer("{\"own\":$i}"));
            }
            for ($try = 0; $try < 100 && count($this->names()) !== 5; $try++) {
                usleep(10000); // the library evicts when the caller has gone on
            }
            self::assertCount(5, $this->names(), $thing);
            $listener = new Listener($this->socket);
            for ($sent = 0, $try = 0; $sent < 5 && $try < 10; $try++) {
                $sent += replay_disk_buffer(0, 200000);
                while ($listener->receive() !== null) {
                    continue; // the library sends one when the one before it was read
                }
            }
            self::assertSame(5, $sent, $thing);
            $listener->close();
            unlink($this->socket);
        }
    }

    private static function makeHuge(string $path): void
    {
        $file = fopen($path, 'w');
        if (!ftruncate($file, PHP_INT_MAX >> 20 << 20)) {
            ftruncate($file, 1 << 43); // the most that ext4 has
        }
    }

    /** @dataProvider faces */
    public function testWhoGetsNoNumberHasNoneOfAnothers(string $face): void
    {
        $this->useFace($face, ['timeout_us' => 5000000]);
        mkdir($state = "$this->buffer/.transmit-state-0", 0700);
        for ($i = 0; $i < 256; $i++) {
            $number = sprintf('%04x', (crc32($this->socket) + $i) & 0xFFFF);
            file_put_contents("$state/listener-$number", "$this->folder/other");
        }
        write_to_disk_buffer('{}');
        [$name] = array_values($this->names());
        self::assertFileDoesNotExist("$state/listener-" . substr($name, -13, 4));
    }

    /** A stopped process keeps the count: after a while, one of the others looks without it. */
    public function testAStuckCountDoesNotEndTheLimits(): void
    {
        $this->useFace('plain', ['buffer_max_files' => 10, 'timeout_us' => 1000000]);
        write_to_disk_buffer('{}');
        [$path] = glob("$this->buffer/.transmit-state-0/.transmit-count-*");
        $holder = fopen($path, 'r');
        flock($holder, LOCK_EX);
        $write = static function (int $count): void {
            while ($count-- > 0) {
                write_to_disk_buffer('{}');
            }
        };
        $write(30);
        self::assertCount(31, $this->names());
        touch($path, time() - 61);
        $write(1);
        self::assertCount(10, $this->names());
        $write(5);
        self::assertCount(15, $this->names(), 'not each write looks');
        flock($holder, LOCK_UN);
        $write(1);
        self::assertLessThanOrEqual(16, count($this->names()));
    }

    /** Workers write one after the other, but none waits for one that is stopped. */
    public function testAWriterWaitsForTheOneThatWrites(): void
    {
        $this->useFace('plain', ['timeout_us' => 4000000]);
        write_to_disk_buffer('{}');
        [$path] = glob("$this->buffer/.transmit-state-0/.transmit-count-*");
        $count = static function () use ($path): int {
            return (int) explode(' ', file_get_contents($path))[0];
        };
        foreach ([['writes', 0, 2, true], ['is stopped', 10, 2, false]] as [$name, $age, $want, $waits]) {
            $holder = popen('flock ' . escapeshellarg($path) . ' sh -c "echo; sleep 0.3"', 'r');
            fgets($holder);
            touch($path, time() - $age);
            $start = hrtime(true);
            write_to_disk_buffer('{}');
            $tookMs = intdiv(hrtime(true) - $start, 1000000);
            pclose($holder);
            self::assertSame([$waits, $want], [$tookMs >= 200, $count()], "$name: $tookMs ms");
        }
        self::assertCount(3, $this->names());
    }

    /** A stopped process keeps the file of the log's rate, or of max_per_minute: one of the others goes on each minute. */
    public function testAStuckFileEndsNeitherLogNorProfiles(): void
    {
        $this->useFace('plain');
        send_profiling_data(['a' => 1]);
        $count = count($this->logLines());
        $allows = function (): bool {
            return Quiet::call(function (): bool {
                return RateLimit::allows(1, $this->socket);
            }, false);
        };
        $allows();
        $holders = [];
        foreach (glob(Scratch::root() . '/.transmit-state-0/*') as $path) {
            $holders[$path] = fopen($path, 'r');
            flock($holders[$path], LOCK_EX);
            touch($path, time() - 61);
        }
        for ($i = 0; $i < 3; $i++) {
            send_profiling_data(['a' => 1]);
        }
        self::assertCount($count, $this->logLines(), 'within the minute of the last line');
        foreach (array_keys($holders) as $path) {
            file_put_contents($path, str_pad(time() - 61 . ' 0', 48));
            touch($path, time() - 61);
        }
        for ($i = 0; $i < 3; $i++) {
            send_profiling_data(['a' => 1]);
        }
        self::assertCount($count + 1, $this->logLines());
        self::assertSame([true, false], [$allows(), $allows()]);
    }

    /** @return list<string> */
    private function names(): array
    {
        return preg_grep('/^profile_/', scandir($this->buffer));
    }

    private function leave(string $thing, string $path): void
    {
        $mine = "$this->folder/mine";
        file_put_contents($mine, '{"mine":1}');
        switch ($thing) {
            case 'sparse':
                ftruncate(fopen($path, 'w'), 1 << 40);
                break;
            case 'many':
                touch($path);
                break;
            case 'hard links':
                link($mine, $path); // of this user's own file: the owner stays
                return;
            case 'links':
                symlink($mine, $path);
                break;
            case 'FIFOs':
                posix_mkfifo($path, 0666);
                break;
            case 'folders':
                mkdir($path, 0777);
        }
        Scratch::give($path, self::ATTACKER);
    }
}
