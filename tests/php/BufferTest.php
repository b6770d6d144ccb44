<?php

namespace Transmit\Test;

use Transmit\BufferDirectory;

/**
 * The disk buffer of plain PHP, and cleanup_old_buffers().
 */
final class BufferTest extends TransmitTestCase
{
    private const OLD = 'profile_20200101_000000_0000000';

    /** @dataProvider faces */
    public function testProcessesMakeTheDirectoryAtOnce(string $face): void
    {
        $this->useFace($face);
        $program = Program::write($this->folder, [$this->buffer], 'ini_set("error_log", "/dev/null");
            write_to_disk_buffer("{}");
            for ($i = 0, $lost = 0; $i < 200; $i++) {
                $GLOBALS["more"] = ["buffer_dirs" => ["$argv[1]/$i/a/b"], "timeout_us" => 5000000];
                while (microtime(true) < $argv[2] + $i * 0.005); // all at once
                $lost += (int) !write_to_disk_buffer("{}");
            }
            echo $lost;', $face === 'native' ? 'native' : '');
        $one = "php -d ffi.enable=true $program $this->folder " . (microtime(true) + 1) . ' &';
        self::assertSame('0000', Program::run("$one $one $one $one wait")['output']);
    }

    /** @dataProvider faces */
    public function testAFileIsWholePrivateAndNamedInUtc(string $face): void
    {
        $this->useFace($face);
        self::assertTrue($this->timed(static function (): bool {
            return write_to_disk_buffer('{"a":1}');
        }));
        [$file] = glob($this->buffer . '/*');
        self::assertMatchesRegularExpression('/^profile_\d{8}_\d{6}_[0-9a-f]{8}\.json$/', basename($file));
        self::assertEqualsWithDelta(time(), strtotime(strtr(substr(basename($file), 8, 15), '_', ' ') . ' UTC'), 5);
        self::assertSame('{"a":1}', file_get_contents($file));
        self::assertSame(0600, fileperms($file) & 0777);
        self::assertSame([], glob($this->buffer . '/.transmit-*.tmp'));
    }

    public function testTheDirectoryIsMade0755WithItsParents(): void
    {
        $this->configure(['buffer_dirs' => ["$this->folder/a/b"]]);
        self::assertSame("$this->folder/a/b", get_buffer_directory());
        self::assertSame(0755, fileperms("$this->folder/a/b") & 0777);
    }

    public function testAStickyDirectoryOfEverybodysIsUsed(): void
    {
        mkdir($this->buffer);
        chmod($this->buffer, 01777);
        self::assertSame($this->buffer, get_buffer_directory());
    }

    public function testTheSystemsTempDirectoryIsUsedButNotMade(): void
    {
        self::assertSame(sys_get_temp_dir(), BufferDirectory::choose([sys_get_temp_dir()]));
    }

    public function testAFullDiskLeavesNoDebris(): void
    {
        mkdir($this->buffer);
        $mount = "mount -t tmpfs -o size=64k,mode=0755 none $this->buffer";
        exec("$mount 2>&1 && umount $this->buffer 2>&1", $output, $failed);
        if ($failed) {
            self::markTestSkipped('no disk can be mounted here: ' . implode(' ', $output));
        }
        $program = Program::write($this->folder, [$this->buffer], '
            var_dump(write_to_disk_buffer(str_repeat("x", 100000)));
            $left = preg_grep("/^\\.transmit-state-/", scandir($dirs[0]), PREG_GREP_INVERT);
            var_dump(write_to_disk_buffer("{}"));
            echo count($left);');
        $ran = Program::run("sh -c '$mount && php $program; umount $this->buffer'");
        self::assertSame("bool(false)\nbool(true)\n2", $ran['output']);
        self::assertStringContainsString('No space left', $ran['errors']);
    }

    /** @return array<string, array{int, int, list<string>}> */
    public function limits(): array
    {
        return [
            'one more than files allow' => [3, 0, ['1', '2', 'new']],
            'as many files as allowed' => [4, 0, ['0', '1', '2', 'new']],
            'one byte more than allowed' => [0, 3006, ['1', '2', 'new']],
            'as many bytes as allowed' => [0, 3007, ['0', '1', '2', 'new']],
            'the new file stays' => [0, 7, ['new']],
            'no limits' => [0, 0, ['0', '1', '2', 'new']],
        ];
    }

    /** @dataProvider limits */
    public function testTheOldestGoFirst(int $files, int $bytes, array $want): void
    {
        $this->configure(['buffer_max_files' => $files, 'buffer_max_bytes' => $bytes]);
        mkdir($this->buffer);
        for ($i = 0; $i < 3; $i++) {
            file_put_contents("$this->buffer/" . self::OLD . "$i.json", str_repeat('x', 1000));
        }
        self::assertTrue(write_to_disk_buffer('{"n":1}'));
        $left = array_map(static function (string $path): string {
            return strpos($path, self::OLD) === false ? 'new' : substr($path, -6, 1);
        }, glob("$this->buffer/profile_*"));
        self::assertSame($want, $left);
    }

    /** @dataProvider faces */
    public function testAProfileOverTheLimitAloneRemovesNoOther(string $face): void
    {
        $this->useFace($face, ['buffer_max_bytes' => 10, 'timeout_us' => 5000000]);
        self::assertTrue(write_to_disk_buffer('{"a":1234}'));
        self::assertFalse(write_to_disk_buffer('{"a":12345}'));
        self::assertSame(['{"a":1234}'], $this->buffered());
        $this->assertLogged('/: buffer is full: a profile of 11 bytes is over the limit of 10/');
    }

    /**
     * Starts four PHP processes that run $body for each $round at about the same time, and adds up what they return.
     * None ends before all have done so.
     */
    private function race(int $rounds, string $body): int
    {
        $program = Program::write($this->folder, [$this->buffer], '
            $folder = $argv[1];
            $meet = static function (string $where) use ($folder) {
                touch("$folder/$where" . getmypid());
                while (count(glob("$folder/$where*")) < 4) {
                    usleep(100);
                }
            };
            $call = static function (int $round) use ($folder) { ' . $body . ' };
            $sum = 0;
            $meet("begin");
            $start = microtime(true);
            for ($round = 0; $round < ' . $rounds . '; $round++) {
                while (microtime(true) < $start + $round * 0.003);
                $sum += Transmit\Quiet::call(static function () use ($call, $round) { return $call($round); }, 1000);
            }
            $meet("end");
            echo "$sum ";');
        $one = "php $program $this->folder &";
        $ran = Program::run("$one $one $one $one wait");
        self::assertSame('', $ran['errors']);
        return array_sum(explode(' ', trim($ran['output'])));
    }

    public function testOfWritersWithTheSameNameOneHasIt(): void
    {
        mkdir($this->buffer);
        self::assertSame(300, $this->race(300, '
            $move = new ReflectionMethod(Transmit\Plain\BufferFile::class, "move");
            $move->setAccessible(true);
            file_put_contents($mine = "$folder/" . getmypid(), "x");
            $state = Transmit\Plain\Tags::read("$folder/buffer", "s")->state;
            return (int) $move->invoke(null, $mine, "$folder/buffer/profile_$round.json", $state);'));
    }

    /** The two kinds of writers do not wait for each other, so they must not take the same name. */
    public function testAWriterWithoutTheLockUsesOtherNames(): void
    {
        for ($i = 0; $i < 40; $i++) {
            if ($i === 20) {
                $lock = fopen(glob("$this->buffer/.transmit-state-*/.transmit-count-*")[0], 'r+');
                self::assertTrue(flock($lock, LOCK_EX | LOCK_NB));
            }
            self::assertTrue(write_to_disk_buffer((string) intdiv($i, 20)));
        }
        foreach (glob("$this->buffer/profile_*") as $path) {
            self::assertSame((int) file_get_contents($path), hexdec(substr($path, -6, 1)) % 2);
        }
        self::assertSame([], glob("$this->buffer/.transmit-state-*/new-*"));
    }

    public function testOfProcessesThatCreateALockFileOneHasTheLock(): void
    {
        mkdir($this->buffer);
        self::assertSame(300, $this->race(300, '
            static $held = []; // until the process ends
            $held[] = $file = Transmit\Plain\LockedStateFile::open("$folder/buffer", "lock$round");
            return (int) $file->isLocked;'));
    }

    public function testTheLimitHoldsOverManyWrites(): void
    {
        $this->configure(['buffer_max_files' => 20]);
        for ($i = 0; $i < 50; $i++) {
            self::assertTrue(write_to_disk_buffer('{}'));
        }
        self::assertCount(20, $this->buffered());
    }

    /** With a time of 1 us, each call reads a small part of the directory, and a hundred names that it knows. */
    public function testTheLimitHoldsInADirectoryThatNoCallCanReadWhole(): void
    {
        $this->configure(['buffer_max_files' => 500, 'timeout_us' => 1]);
        for ($i = 0; $i < 700; $i++) {
            self::assertTrue(write_to_disk_buffer("$i"));
        }
        $left = array_map('intval', $this->buffered());
        sort($left);
        self::assertSame(range(700 - count($left), 699), $left, 'the oldest were removed');
        self::assertLessThanOrEqual(510, count($left));
        self::assertGreaterThanOrEqual(495, count($left));
    }

    /** @return array<string, array{string}> what takes files, as a command in the directory */
    public function takers(): array
    {
        return [
            'the newest' => ['ls profile_* | tail -n 300 | xargs rm'],
            'the oldest' => ['ls -r profile_* | tail -n 300 | xargs rm'],
            'all but some' => ['ls profile_* | awk "NR % 100" | xargs rm'],
            'the lists, too' => ['rm -r .transmit-state-*/names-*; ls profile_* | tail -n 300 | xargs rm'],
            'the count has another form' => ['ls profile_* | tail -n 300 | xargs rm; echo 20000 1 | tee .t*/.*count*'],
        ];
    }

    /** @dataProvider takers */
    public function testNothingIsRemovedBelowTheLimit(string $taker): void
    {
        foreach ([1, 50000] as $time) { // us
            $this->configure(['buffer_max_files' => 500, 'timeout_us' => $time]);
            for ($i = 0; $i < 500; $i++) {
                self::assertTrue(write_to_disk_buffer('{}'));
            }
            exec("cd $this->buffer && $taker", $output, $failed);
            self::assertSame(0, $failed);
            $before = glob("$this->buffer/profile_*");
            for ($i = 0; $i < 20; $i++) {
                self::assertTrue(write_to_disk_buffer('{}'));
                self::assertSame([], array_diff($before, glob("$this->buffer/profile_*")), "write $i");
            }
            Scratch::remove($this->buffer);
        }
    }

    public function testCleanupRemovesWhatIsOverTheLimitsAndWasNotKnown(): void
    {
        $this->configure(['buffer_max_files' => 1500, 'timeout_us' => 1]);
        self::assertTrue(write_to_disk_buffer('{}'));
        for ($i = 0; $i < 3000; $i++) {
            file_put_contents("$this->buffer/profile_20200101_000000_" . sprintf('%08x.json', $i), '{}');
        }
        cleanup_old_buffers(PHP_INT_MAX);
        self::assertCount(1485, $this->buffered());
        self::assertFileExists("$this->buffer/profile_20200101_000000_00000bb7.json");
        self::assertTrue(write_to_disk_buffer('{}'));
        self::assertCount(1486, $this->buffered());
    }

    /** @return array<string, array{string, int, bool}> name, age, is removed */
    public function oldFiles(): array
    {
        $temporary = '.transmit-0123456789abcdef.tmp';
        return [
            'a profile one second over the age' => [self::OLD . '0.json', 101, true],
            'a profile of that age' => [self::OLD . '0.json', 99, false],
            'a crashed library write' => [$temporary, 61, true],
            'a library write going on' => [$temporary, 59, false],
            'a crashed plain write' => ['.transmit-aB3xYz', 61, true],
            'a plain write going on' => ['.transmit-aB3xYz', 59, false],
            'another hidden file' => ['.transmit-log1-0', 9999, false],
            'not a profile' => ['report_1.json', 9999, false],
            'not JSON' => ['profile_1.txt', 9999, false],
            'a longer name' => ['profile_1.json.gz', 9999, false],
        ];
    }

    /** @dataProvider oldFiles */
    public function testCleanup(string $name, int $age, bool $isRemoved): void
    {
        mkdir($this->buffer);
        touch("$this->buffer/$name", time() - $age);
        cleanup_old_buffers(100);
        clearstatcache();
        self::assertSame(!$isRemoved, file_exists("$this->buffer/$name"));
    }

    /** A process that was killed leaves them, or another user made the second link. */
    public function testCleanupRemovesTheSecondNameOfATemporaryFileOnly(): void
    {
        mkdir($this->buffer);
        $seconds = ['profile_1.json' => '.transmit-0123456789abcdef.tmp', 'profile_2.json' => 'link'];
        foreach ($seconds as $name => $second) {
            touch("$this->buffer/$name", time() - 1000);
            link("$this->buffer/$name", "$this->buffer/$second");
        }
        $state = "$this->buffer/.transmit-state-" . posix_geteuid();
        mkdir($state, 0700);
        touch("$state/new-profile_3.json", time() - 61);
        touch("$state/new-profile_4.json", time() - 59);
        cleanup_old_buffers(2000);
        self::assertSame(['link', 'profile_1.json', 'profile_2.json'], array_map('basename', glob("$this->buffer/*")));
        self::assertSame(1, stat("$this->buffer/profile_1.json")['nlink']);
        self::assertFileDoesNotExist("$this->buffer/.transmit-0123456789abcdef.tmp");
        self::assertSame(["$state/new-profile_4.json"], glob("$state/new-*"));
        cleanup_old_buffers(100);
        self::assertSame(['link', 'profile_2.json'], array_map('basename', glob("$this->buffer/*")));
    }

    public function testCleanupTakesAnyAge(): void
    {
        mkdir($this->buffer);
        foreach ([PHP_INT_MAX => true, PHP_INT_MIN => false, -PHP_INT_MAX => false] as $age => $isKept) {
            $file = "$this->buffer/" . self::OLD . '0.json';
            touch($file, 1);
            cleanup_old_buffers($age);
            clearstatcache();
            self::assertSame($isKept, file_exists($file), (string) $age);
        }
        self::assertSame([], $this->logLines());
    }

    public function testCleanupTouchesFilesOnly(): void
    {
        mkdir("$this->buffer/profile_directory.json", 0755, true);
        touch("$this->folder/target", 1);
        symlink("$this->folder/target", "$this->buffer/profile_link.json");
        touch("$this->buffer/profile_directory.json", 1);
        cleanup_old_buffers(0);
        self::assertFileExists("$this->folder/target");
        self::assertTrue(is_link("$this->buffer/profile_link.json"));
        self::assertDirectoryExists("$this->buffer/profile_directory.json");
    }
}
