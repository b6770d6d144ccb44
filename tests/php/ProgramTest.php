<?php

namespace Transmit\Test;

/**
 * Tests that need processes of their own: why the library is not used, the log of several processes, fork.
 */
final class ProgramTest extends TransmitTestCase
{
    /** @return array<string, array{string, string, string}> php's options, library, why it is plain */
    public function reasons(): array
    {
        $hasMusl = is_file('/lib/ld-musl-' . php_uname('m') . '.so.1');
        return [
            'switched off' => ['', '', 'the setting "library" is empty'],
            'no FFI' => [implode(' ', Program::BARE), 'native', 'no extension FFI'],
            'FFI off' => ['-d ffi.enable=0', 'native', 'FFI is restricted here'],
            'no library' => ['', '/nowhere/libtransmit.so', 'the library cannot be loaded'],
            'musl' => ['', '/nowhere/libtransmit.so', $hasMusl ? 'LD_PRELOAD=<libtransmit.so>' : 'cannot be loaded'],
            'another library' => ['', 'libm.so.6', 'the library does not fit these PHP files'],
        ];
    }

    /** @dataProvider reasons */
    public function testPlainPhpSaysWhyAndWorks(string $options, string $library, string $why): void
    {
        $program = Program::write($this->folder, [$this->buffer], '
            $check = check_listener_socket();
            echo $check["mode"], ": ", $check["plain_because"];
            send_profiling_data(["a" => 1]);', $library);
        $ran = Program::run("php $options $program");
        self::assertStringContainsString("plain: ", $ran['output']);
        self::assertStringContainsString($why, $ran['output']);
        self::assertCount(1, $this->buffered());
        self::assertStringContainsString('; the profile is in ', $ran['errors']);
    }

    public function testOneLogLineForManyProcesses(): void
    {
        $program = Program::write($this->folder, [$this->buffer], 'send_profiling_data(["a" => 1]);');
        $run = 'php -d sys_temp_dir=' . escapeshellarg($this->folder) . " $program";
        self::assertStringContainsString('Profiler: profile buffered', Program::run($run)['errors']);
        self::assertSame('', Program::run($run)['errors']);
        self::assertSame('', Program::run($run)['errors']);
        $this->makeStampsOlder(61);
        self::assertStringContainsString('(2 more since the last such line)', Program::run($run)['errors']);
    }

    /** @return array<string, array{callable(string): void}> what others can leave where our state is to be */
    public function squatters(): array
    {
        return [
            'a file' => [static function (string $path): void {
                touch($path);
            }],
            'a link that leads nowhere' => [static function (string $path): void {
                symlink(dirname($path) . '/target', $path);
            }],
            'a link to a directory of ours' => [static function (string $path): void {
                mkdir(dirname($path) . '/target', 0700);
                symlink(dirname($path) . '/target', $path);
            }],
            'a directory that others may write to' => [static function (string $path): void {
                mkdir($path);
                chmod($path, 0777);
            }],
            "somebody else's directory" => [static function (string $path): void {
                mkdir($path, 0700);
                posix_geteuid() === 0 ? chown($path, 65534) : chmod($path, 0770);
            }],
        ];
    }

    /** @dataProvider squatters */
    public function testTheLogIsBoundedWhereOthersHaveTakenItsPlace(callable $squat): void
    {
        $program = Program::write($this->folder, [$this->buffer], 'send_profiling_data(["a" => 1]);');
        $name = "$this->folder/.transmit-state-" . posix_geteuid();
        $squat($name);
        $isThere = file_exists("$this->folder/target");
        $run = 'php -d sys_temp_dir=' . escapeshellarg($this->folder) . " $program";
        self::assertStringContainsString('Profiler: profile buffered', Program::run($run)['errors']);
        self::assertSame('', Program::run($run)['errors']);
        self::assertSame([], glob("$name/*"));
        self::assertSame([], glob("$this->folder/target/*"));
        self::assertSame($isThere, file_exists("$this->folder/target"));
    }

    /** A PHP with threads would make it. Where the temp directory is not trusted, our state is in a buffer directory. */
    public function testNothingIsMadeWhereALinkLeads(): void
    {
        symlink("$this->folder/target", "$this->folder/link");
        mkdir("$this->folder/temp");
        chmod("$this->folder/temp", 0777);
        $dirs = ["$this->folder/link", $this->buffer];
        $program = Program::write($this->folder, $dirs, 'send_profiling_data(["a" => 1]);');
        Program::run("php -d sys_temp_dir=$this->folder/temp $program");
        self::assertCount(1, $this->buffered());
        self::assertFileDoesNotExist("$this->folder/target");
    }

    public function testTheLogIsBoundedWhileAnotherProcessHoldsIt(): void
    {
        $program = Program::write($this->folder, [$this->buffer], 'send_profiling_data(["a" => 1]);');
        $run = 'php -d sys_temp_dir=' . escapeshellarg($this->folder) . " $program";
        Program::run($run);
        $held = array_map(static function (string $path) {
            $file = fopen($path, 'r+');
            flock($file, LOCK_EX);
            return $file;
        }, glob("$this->folder/.transmit-state-*/*"));
        self::assertNotSame([], $held);
        self::assertSame(['', ''], [Program::run($run)['errors'], Program::run($run)['errors']]);
        self::assertCount(3, $this->buffered());
    }

    /** @dataProvider faces */
    public function testAChildForkedAfterASendDeliversToo(string $face): void
    {
        $this->useFace($face);
        $program = Program::write($this->folder, [$this->buffer], '
            write_to_disk_buffer("{}");
            $child = pcntl_fork();
            write_to_disk_buffer("{}");
            if ($child > 0) {
                pcntl_waitpid($child, $status);
                echo $status;
            }', $face === 'native' ? 'native' : '');
        self::assertSame('0', Program::run("php $program")['output']);
        self::assertCount(3, $this->buffered());
    }

    /** @dataProvider faces */
    public function testWhatCannotFitIsCutBeforeItIsEncoded(string $face): void
    {
        // The transmitter's calls of json_encode() arrive at the first function of that name in its namespace.
        $program = Program::write($this->folder, [$this->buffer], '
            eval("namespace Transmit; function json_encode(\$value, \$flags = 0) {
                \$json = \\\\json_encode(\$value, \$flags);
                \$GLOBALS[\'longest\'] = max(\$GLOBALS[\'longest\'], strlen(\$json));
                return \$json;
            }");
            foreach ([400, 560, 600, 1000, 2000, 6000] as $count) {
                $longest = 0;
                $query = ["sql" => str_repeat("x", 100), "time_ms" => 0.5];
                send_profiling_data(["sql" => ["queries" => array_fill(0, $count, $query)]]);
                echo $longest, " ";
            }', $face === 'native' ? 'native' : '');
        $longest = array_map('intval', explode(' ', trim(Program::run("php $program")['output'])));
        self::assertCount(6, $longest);
        self::assertGreaterThan(400 * 100, $longest[0], 'what fits is not cut');
        self::assertLessThan(100000, max($longest), 'one attempt encodes no more than is modest');
    }

    public function testAThrowingConfigMeansDefaults(): void
    {
        $source = '<?php function get_profiling_config(): array { throw new Exception("mine"); }
            require ' . var_export(dirname(__DIR__, 2) . '/php/transmitter.php', true) . ';
            echo check_listener_socket()["socket_path"];';
        file_put_contents("$this->folder/program.php", $source);
        $ran = Program::run('php -d sys_temp_dir=' . escapeshellarg($this->folder) . " $this->folder/program.php");
        self::assertSame('/var/run/bitville-apm/listener.sock', $ran['output']);
        self::assertStringContainsString('get_profiling_config() threw "mine"', $ran['errors']);
    }

    private function makeStampsOlder(int $seconds): void
    {
        foreach (glob("$this->folder/.transmit-state-*/log*") as $stamp) {
            [$time, $count] = explode(' ', trim(file_get_contents($stamp)));
            file_put_contents($stamp, str_pad($time - $seconds . " $count", 48));
        }
    }
}
