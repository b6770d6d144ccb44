<?php

namespace Transmit\Test;

/**
 * The doctor as a command, in each situation that it must recognize.
 *
 * @group host needs more than PHP: setpriv, unshare, cgroups, gcc
 */
final class DoctorTest extends DoctorTestCase
{
    /** @return array<string, array{string, int, string, string}> situation, status, finding, what it says */
    public function situations(): array
    {
        return [
            'absent' => ['absent', 2, 'socket', 'No such file or directory -> start the listener'],
            'no folder' => ['no folder', 2, 'socket', 'its directory is not there -> .*RuntimeDirectory'],
            'refused' => ['refused', 2, 'socket', 'refused; .*bound to it any more -> start the listener'],
            'a stream socket' => ['stream', 2, 'socket', 'not one of datagrams -> configure .* unixgram'],
            'a file' => ['file', 2, 'socket', 'it is a file, not a socket\) -> remove'],
            'a directory' => ['directory', 2, 'socket', 'it is a dir, not a socket\) -> remove'],
            'a dangling link' => ['link', 2, 'socket', 'it is a link to .*gone, which is not there -> start'],
            'path too long' => ['path', 2, 'socket', 'has 108 bytes, at most 107 .* -> give'],
            'a full queue' => ['full', 2, 'queue', 'queue is full, and stays so.*max_dgram_qlen=\d+.* -> look at the'],
            'socket closed' => ['0600', 2, 'socket', 'nobody may not write to it \(root\'s, 0600\) -> .*mode 0666'],
            'folder closed' => ['0700', 2, 'socket', 'nobody may not enter .*/closed \(root\'s, 0700\) -> .*0755'],
            'not sent' => ['absent', 2, 'test profile', 'not sent'],
            'datagrams larger than the kernel takes' => ['size', 1, 'size', 'takes \d+ bytes at most.* -> set max_dat'],
            'foreign buffer' => ['foreign', 1, 'buffer', 'belongs to another user \(.*\'s, 0755\) -> make it'],
            "everybody's buffer" => ['0777', 1, 'buffer', 'everybody may write to it, and it is not sticky'],
            'buffer is a link' => ['buffer link', 1, 'buffer', 'not a directory'],
            'no buffer' => ['no buffer', 1, 'buffer', 'there is none: .* is lost -> make '],
            'full disk' => ['full disk', 1, 'disk', 'No space left.* -> make room on the disk'],
            'no inodes' => ['no inodes', 1, 'disk', 'no file can be made in .* -> see whether inodes'],
            'forgotten files' => ['forgotten', 1, 'buffer', '2 profiles, 3 bytes, the oldest 3 h.* -> no program'],
            'a later directory' => ['later', 1, 'buffer', 'one before it is; .*; 1 profiles.* -> they are from a time'],
            'nearly full' => ['nearly full', 1, 'buffer', 'near to the limits of 2 files .* -> let a program'],
            'no FFI' => ['no FFI', 1, 'library', 'plain PHP: PHP has no extension FFI -> install and enable'],
            'restricted FFI' => ['restricted', 1, 'library', 'plain PHP: FFI is restricted here -> in php.ini, set'],
            'no library' => ['no library', 1, 'library', 'cannot be loaded .* -> install it'],
            'another ABI' => ['another ABI', 1, 'library', 'does not fit .*version is 99.* -> install both'],
            'little address space' => ['ulimit', 1, 'limits', '1200128000.* -> the library needs 1.5 GB'],
            'no start' => ['ulimit', 1, 'library', 'does not start: too few threads .* -> raise the limits'],
            'few tasks' => ['tasks', 1, 'tasks', '\d of 5 tasks .* -> .*TasksMax'],
            'private tmp' => ['private tmp', 1, 'private tmp', 'PrivateTmp=yes\); .*does not see .* -> put socket'],
            'wrong setting' => ['setting', 1, 'settings', 'keys colour are not known.*timeout_us has.* -> mend'],
            'no prepended file' => ['no prepend', 1, 'profiler', 'no auto_prepend_file is in effect.* -> set auto_pre'],
            'another one' => ['other prepend', 1, 'profiler', 'other.php does not load the profiler.* -> let \S+other'],
            'a .user.ini' => ['.user.ini', 1, 'profiler', 'site/a/.user.ini sets auto_prepend_file=other.*_admin_val'],
            'a security module' => ['EACCES', 2, 'socket', 'by its mode \(root\'s, 0777\), so .*SELinux.* -> see'],
            'another error of one' => ['EPERM', 2, 'socket', 'by its mode .*AppArmor'],
            'log closed' => ['log', 1, 'log', 'may not write to error_log=\S+ -> give'],
        ];
    }

    /** @dataProvider situations */
    public function testItIsFoundAndHasARemedy(string $situation, int $status, string $finding, string $says): void
    {
        $this->prepare($situation);
        $ran = Program::run($this->command('--json'));
        self::assertSame($status, $ran['status'], $ran['output'] . $ran['errors']);
        $report = json_decode($ran['output'], true);
        self::assertSame($status, $report['status']);
        self::assertFinding($report, $finding, $status === 2 ? 'fail' : 'warn', $says);
    }

    public function testAllIsWell(): void
    {
        $listener = $this->listen();
        $ran = Program::run($this->command('--json'));
        self::assertSame(0, $ran['status'], $ran['output'] . $ran['errors']);
        $report = json_decode($ran['output'], true);
        self::assertFinding($report, 'library', 'ok', 'native: .*/libtransmit.so, version [\d.]+, ABI \d+');
        self::assertFinding($report, 'test profile', 'ok', 'correlation_id doctor-\w{16}, \d+\.\d\d ms');
        preg_match('/doctor-\w+/', $ran['output'], $id);
        $received = json_decode($listener->receive(), true);
        self::assertSame($id[0], $received['correlation_id']);
        self::assertSame('1.0', $received['_meta']['transmitter_version']);
        self::assertFileDoesNotExist($this->buffer, 'it makes no directory');
    }

    public function testAPersonReadsIt(): void
    {
        $this->listen();
        mkdir($this->buffer);
        $ran = Program::run($this->command(''));
        self::assertMatchesRegularExpression('/^ok   php           PHP \d/', $ran['output']);
        self::assertStringContainsString("\nProfiles arrive at the listener.\n", $ran['output']);
        self::assertStringContainsString('doctor.php --fpm ', $ran['output']);
        self::assertSame([], array_diff(scandir($this->buffer), ['.', '..']), 'nothing is left');
        $this->open = [];
        $ran = Program::run($this->command(''));
        self::assertMatchesRegularExpression('/^fail socket +\S+: Connection refused.*\n +-> start/m', $ran['output']);
        self::assertStringContainsString("\nNo profile arrives at the listener.\n", $ran['output']);
    }

    /** @return array<string, array{string, int}> arguments, status */
    public function arguments(): array
    {
        return [
            'help' => ['--help', 0],
            'unknown' => ['--colour', 3],
            'no file' => ['--config', 3],
            'absent file' => ['--config /nowhere.php', 3],
            'no FPM' => ['--fpm /nowhere.sock', 3],
        ];
    }

    /** @dataProvider arguments */
    public function testArguments(string $arguments, int $status): void
    {
        $ran = Program::run('php ' . self::doctor() . " $arguments");
        self::assertSame($status, $ran['status'], $ran['output'] . $ran['errors']);
        self::assertStringContainsString($status === 0 ? 'Exit status' : '', $ran['output']);
    }

    public function testALaterDirectoryThatIsUnusableDoesNotMatter(): void
    {
        $this->listen();
        mkdir($this->buffer);
        symlink($this->buffer, "$this->folder/link");
        $this->settings['buffer_dirs'][] = "$this->folder/link";
        $ran = Program::run($this->command('--json'));
        self::assertSame(0, $ran['status'], $ran['output'] . $ran['errors']);
        self::assertFinding(json_decode($ran['output'], true), 'buffer', 'ok', 'not needed, and not usable: not a dir');
    }

    /** What a site's owner may leave for root's doctor: none of it holds it up or is followed. */
    public function testFilesOfASiteThatAreNoFiles(): void
    {
        $kinds = ['fifo' => 'mkfifo %s', 'device' => 'ln -s /dev/zero %s', 'directory' => 'mkdir %s'];
        foreach ($kinds as $kind => $make) {
            mkdir("$this->folder/$kind");
            exec(sprintf($make, escapeshellarg("$this->folder/$kind/.user.ini")));
        }
        mkdir("$this->folder/ftp");
        file_put_contents("$this->folder/ftp/.user.ini", 'auto_prepend_file = ftp://127.0.0.1:9/x.php');
        $doctor = escapeshellarg(dirname(__DIR__, 2) . '/php/doctor.php');
        $command = "timeout 20 php $doctor --root " . escapeshellarg($this->folder);
        $ran = Program::run($command);
        self::assertNotSame(124, $ran['status']);
        self::assertStringContainsString('ftp://127.0.0.1:9/x.php', $ran['output']);
    }
}
