<?php

namespace Transmit\Test;

/**
 * The doctor as a command and through php-fpm, in each situation that it is asked about.
 *
 * @group host needs more than PHP: setpriv, unshare, cgroups, gcc
 */
final class DoctorTest extends TransmitTestCase
{
    private const NOBODY = 65534;

    /** @var list<object|resource> kept open for the length of a test */
    private array $open = [];

    private ?Fpm $fpm = null;

    /** @var array<string, mixed> what the application's settings are */
    private array $settings;

    /** What runs php, and php's options. */
    private string $before = '';
    private string $arguments = '';
    private string $options = '-d opcache.enable_cli=0';

    /** "": none is in effect. */
    private string $prepend;

    protected function setUp(): void
    {
        parent::setUp();
        $this->prepend = dirname(__DIR__, 2) . '/php/auto_prepend.php';
        $this->settings = [
            'listener_socket' => $this->socket,
            'buffer_dirs' => [$this->buffer],
            'library' => self::library(),
        ];
    }

    protected function tearDown(): void
    {
        $this->open = [];
        if ($this->fpm !== null) {
            $this->fpm->stop();
        }
        parent::tearDown();
    }

    /** @return array<string, array{string, int, string, string}> situation, status, finding, what it says */
    public function situations(): array
    {
        return [
            'absent' => ['absent', 2, 'socket', 'No such file or directory -> start the listener'],
            'no folder' => ['no folder', 2, 'socket', 'its directory is not there -> .*RuntimeDirectory'],
            'refused' => ['refused', 2, 'socket', 'refused; .*nobody listens any more -> start the listener'],
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
            'forgotten files' => ['forgotten', 1, 'buffer', '2 profiles, 3 bytes, the oldest 3 h.* -> nobody takes'],
            'nearly full' => ['nearly full', 1, 'buffer', 'near to the limits of 2 files .* -> let somebody take'],
            'no FFI' => ['no FFI', 1, 'library', 'plain PHP: PHP has no extension FFI -> install and enable'],
            'restricted FFI' => ['restricted', 1, 'library', 'plain PHP: FFI is restricted here -> in php.ini, set'],
            'no library' => ['no library', 1, 'library', 'cannot be loaded .* -> install it'],
            'another ABI' => ['another ABI', 1, 'library', 'does not fit .*version is 99.* -> install both'],
            'little address space' => ['ulimit', 1, 'limits', '1200128000.* -> the library needs 1.2 GB'],
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

    /** @return array<string, array{string, string, int, string, string, string}> situation, php.ini, then as above */
    public function situationsOfFpm(): array
    {
        $ffi = 'extension=ffi';
        $root = dirname(__DIR__, 2);
        $preload = "opcache.preload=$root/php/preload.php opcache.preload_user=nobody"
            . " ffi.preload=$root/build/transmit_ffi.h";
        return [
            'all is well' => ['', "zend_extension=opcache $ffi $preload", 0, 'library', 'ok', 'native: '],
            'FFI for all scripts' => ['', "$ffi ffi.enable=true", 1, 'ffi', 'warn', 'every script may run native code'],
            'preloaded' => ['', "zend_extension=opcache $ffi $preload", 0, 'preload', 'ok', '\d classes'],
            'absent' => ['absent', "$ffi ffi.enable=true", 2, 'socket', 'fail', 'No such file'],
            'socket closed' => ['0600 for FPM', "$ffi ffi.enable=true", 2, 'socket', 'fail', 'nobody may not write to'],
            'restricted FFI' => ['', $ffi, 1, 'library', 'warn', 'FFI is restricted here -> in php.ini'],
            'no FFI' => ['', '', 1, 'library', 'warn', 'no extension FFI'],
            "root's buffer" => ['root buffer', "$ffi ffi.enable=true", 1, 'buffer', 'warn', 'may not write to it'],
        ];
    }

    /** @dataProvider situationsOfFpm */
    public function testFpmIsAsked(
        string $situation,
        string $ini,
        int $status,
        string $finding,
        string $state,
        string $says
    ): void {
        $this->startFpm($ini, $situation);
        $ran = Program::run($this->command("--json --fpm $this->folder/fpm.sock"));
        self::assertSame($status, $ran['status'], $ran['output'] . $ran['errors'] . $this->fpm->log());
        $report = json_decode($ran['output'], true);
        self::assertFinding($report, 'php', 'ok', 'PHP \d+\.\d+\.\S+, fpm-fcgi, as ');
        self::assertFinding($report, $finding, $state, $says);
        $ran = Program::run($this->command("--fpm $this->folder/fpm.sock"));
        self::assertSame($status, $ran['status']);
        self::assertStringContainsString('fpm-fcgi', $ran['output']);
    }

    public function testFpmHasTheDefaultsWithoutAConfig(): void
    {
        $this->startFpm('', '');
        $ran = Program::run('php ' . self::doctor() . " --fpm $this->folder/fpm.sock");
        self::assertNotSame(3, $ran['status'], $ran['output'] . $ran['errors']);
        self::assertStringContainsString('is in ' . dirname(__DIR__, 2) . '/php/config.php', $ran['output']);
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

    public function testAStrangerReadsNothing(): void
    {
        $this->startFpm('', 'absent');
        $page = $this->fpm->get(self::doctor());
        self::assertStringContainsString('The doctor answers on the command line', $page);
        self::assertStringNotContainsString($this->folder, $page);
        self::assertStringNotContainsString('PHP ' . PHP_VERSION, $page);
    }

    public function testALocationCanShowItAsAPage(): void
    {
        $this->startFpm('', 'absent');
        file_put_contents("$this->folder/page.php", '<?php require ' . var_export("$this->folder/config.php", true)
            . '; require ' . var_export(self::doctor(), true) . ';');
        $page = $this->fpm->get("$this->folder/page.php", 'TRANSMIT_DOCTOR=1');
        self::assertStringContainsString("fail socket        $this->socket: No such file", $page);
    }

    /** @return array<string, array{string, string, bool}> the pool's environment, the location's, whether it answers */
    public function grants(): array
    {
        return [
            'none' => ['', '', false],
            'the location' => ['', 'TRANSMIT_%s=1', true],
            'not 1' => ['', 'TRANSMIT_%s=yes', false],
            'the other page' => ['', 'TRANSMIT_OTHER=1', false],
            'the pool' => ['env[TRANSMIT_%s]=1', '', false],
            'both' => ['env[TRANSMIT_%s]=1', 'TRANSMIT_%s=1', false],
            'not in the pool' => ['env[TRANSMIT_%s]=0', 'TRANSMIT_%s=1', true],
            'a visitor' => ['', 'HTTP_TRANSMIT_%s=1 QUERY_STRING=TRANSMIT_%s=1', false],
        ];
    }

    /** @dataProvider grants */
    public function testTheLocationGrantsAPage(string $pool, string $location, bool $isGranted): void
    {
        $this->startFpm('', 'absent', strtr($pool, ['%s' => 'DOCTOR']) . "\n" . strtr($pool, ['%s' => 'STATUS']));
        foreach (['doctor' => 'PHP ' . PHP_VERSION, 'status' => '<title>libtransmit'] as $name => $says) {
            $config = "TRANSMIT_STATUS_CONFIG=$this->folder/config.php";
            $granted = strtr($location, ['%s' => strtoupper($name)]) . " $config";
            $page = $this->fpm->get(dirname(self::doctor()) . "/$name.php", $granted);
            self::assertSame($isGranted, strpos($page, $says) !== false, "$name: $page");
            self::assertSame($pool !== '' && !$isGranted, strpos($page, 'environment of the whole pool') !== false);
        }
    }

    /** @return array<string, array{string, string, string, string}> php.ini's file, the pool's line, state, says */
    public function prepends(): array
    {
        $value = 'php_value[auto_prepend_file]=';
        $admin = 'php_admin_value[auto_prepend_file]=';
        return [
            'none' => ['', '', 'warn', 'no auto_prepend_file is in effect: .* -> set auto_prepend_file = /'],
            "php.ini's" => ['OURS', '', 'ok', 'auto_prepend_file=\S+ loads the profiler'],
            "the pool's" => ['', "{$value}OURS", 'ok', 'auto_prepend_file=\S+ loads the profiler'],
            'another one in php.ini' => ['OTHER', '', 'warn', 'other.php does not load the profiler: .* -> let '],
            'another one in the pool' => ['OURS', "{$value}OTHER", 'warn', 'place of php.ini\'s \S+auto_prepend.php: '],
            'none in the pool' => ['OURS', "{$value}none", 'warn', 'no auto_prepend_file is in effect \(in place of'],
            'another one in the site' => ['OURS', '', 'warn', 'site/a/.user.ini sets auto_prepend_file=\S+other.php'],
            'it does not count' => ['', "{$admin}OURS", 'ok', 'auto_prepend_file=\S+ loads the profiler'],
        ];
    }

    /** @dataProvider prepends */
    public function testThePrependedFileOfFpm(string $ini, string $pool, string $state, string $says): void
    {
        mkdir("$this->folder/site");
        $files = ['OURS' => $this->prepend, 'OTHER' => $this->otherPrepend()];
        if (strpos($says, 'site') === 0 || strpos($pool, 'admin') !== false) {
            rmdir("$this->folder/site");
            $this->makeSite($files['OTHER']);
        }
        $this->startFpm($ini === '' ? '' : 'auto_prepend_file=' . $files[$ini], '', strtr($pool, $files));
        $ran = Program::run($this->command("--json --root $this->folder/site --fpm $this->folder/fpm.sock"));
        $report = json_decode($ran['output'], true);
        self::assertFinding($report, 'profiler', $state, $says);
        $states = [];
        foreach ($report['findings'] as $finding) {
            $states[] = $finding['name'] === 'profiler' ? $finding['state'] : 'ok';
        }
        self::assertSame($state === 'warn', in_array('warn', $states, true), $ran['output']);
    }

    private static function assertFinding(array $report, string $name, string $state, string $says): void
    {
        $all = [];
        foreach ($report['findings'] as $finding) {
            if ($finding['name'] === $name) {
                $all[] = "$finding[state] $finding[text] -> $finding[remedy]";
            }
            self::assertSame($finding['state'] === 'ok', $finding['remedy'] === '', "$finding[name] has a remedy");
        }
        self::assertMatchesRegularExpression("/^$state .*" . strtr($says, ['/' => '\/']) . '/m', implode("\n", $all));
    }

    private function command(string $arguments): string
    {
        $config = "<?php\nfunction get_profiling_config(): array { return " . var_export($this->settings, true) . '; }';
        file_put_contents("$this->folder/config.php", $config);
        $php = "php $this->options -d auto_prepend_file=$this->prepend " . self::doctor()
            . " --config $this->folder/config.php $this->arguments $arguments";
        return $this->before === '' ? $php : sprintf($this->before, $php);
    }

    private function listen(): Listener
    {
        $listener = new Listener($this->settings['listener_socket']);
        chmod($this->settings['listener_socket'], 0777);
        $this->open[] = $listener;
        return $listener;
    }

    private function prepare(string $situation): void
    {
        switch ($situation) {
            case 'absent':
                return;
            case 'no folder':
                $this->settings['listener_socket'] = "$this->folder/none/s";
                return;
            case 'refused':
                (new Listener($this->socket))->close();
                return;
            case 'stream':
                $this->open[] = stream_socket_server("unix://$this->socket");
                return;
            case 'file':
                touch($this->socket);
                return;
            case 'directory':
                mkdir($this->socket);
                return;
            case 'link':
                symlink("$this->folder/gone", $this->socket);
                return;
            case 'path':
                $this->settings['listener_socket'] = str_pad("$this->folder/", 108, 'x');
                return;
            case '0700':
                mkdir("$this->folder/closed", 0700);
                $this->settings['listener_socket'] = "$this->folder/closed/s";
                break;
        }
        $this->listen();
        $this->prepareListening($situation);
    }

    /** Somebody listens, but. */
    private function prepareListening(string $situation): void
    {
        switch ($situation) {
            case 'full':
                $this->fill($this->socket);
                return;
            case '0600':
            case '0600 for FPM':
                chmod($this->socket, 0600);
                $this->before = 'setpriv --reuid nobody --regid nogroup --clear-groups %s';
                break;
            case '0700':
                $this->before = 'setpriv --reuid nobody --regid nogroup --clear-groups %s';
                break;
            case 'size':
                $this->settings['max_datagram_size'] = 16000000;
                return;
            case 'setting':
                $this->settings += ['timeout_us' => 'long', 'colour' => 'red'];
                return;
            case 'no prepend':
                $this->prepend = '';
                return;
            case 'other prepend':
                $this->prepend = $this->otherPrepend();
                return;
            case '.user.ini':
                $this->makeSite('other.php');
                $this->arguments = "--root $this->folder/site";
                return;
            case 'EACCES':
            case 'EPERM':
                self::needStrace();
                $this->before = "strace -f -o /dev/null -e trace=connect -e inject=connect:error=$situation %s";
                return;
            case 'log':
                $this->options .= " -d error_log=$this->folder/config.php/none";
                return;
            case 'no FFI':
                $this->options = implode(' ', Program::BARE);
                return;
            case 'restricted':
                $this->options .= ' -d ffi.enable=0';
                return;
            case 'no library':
                $this->settings['library'] = '/nowhere/libtransmit.so';
                return;
            case 'another ABI':
                $this->settings['library'] = $this->otherLibrary();
                return;
            case 'ulimit':
                $this->before = 'ulimit -v 1172000; %s';
                return;
            case 'tasks':
                $this->prepareTasks();
                return;
            case 'private tmp':
                $this->preparePrivateTmp();
                return;
            case 'listening':
                return;
            default:
                $this->prepareBuffer($situation);
                return;
        }
        self::needRoot();
        chmod(Scratch::root(), 0755);
    }

    private function prepareBuffer(string $situation): void
    {
        $old = "$this->buffer/profile_20200101_000000_0000000";
        if ($situation === 'no buffer') {
            $this->settings['buffer_dirs'] = ["$this->folder/config.php/buffer"];
            return;
        }
        if ($situation === 'buffer link') {
            symlink($this->folder, $this->buffer);
            return;
        }
        mkdir($this->buffer);
        switch ($situation) {
            case 'foreign':
                self::needRoot();
                chown($this->buffer, self::NOBODY);
                return;
            case 'root buffer':
                return;
            case '0777':
                chmod($this->buffer, 0777);
                return;
            case 'full disk':
                $this->mount('size=8k', "head -c 8192 /dev/zero > $this->buffer/zeros");
                return;
            case 'no inodes':
                $this->mount('size=1m,nr_inodes=2', "touch $this->buffer/one");
                return;
            case 'forgotten':
                file_put_contents($old . '1.json', '{}');
                file_put_contents($old . '0.json', '0');
                touch($old . '0.json', time() - 3 * 3600 - 60);
                return;
            case 'nearly full':
                file_put_contents($old . '0.json', '{}');
                file_put_contents($old . '1.json', '{}');
                $this->settings['buffer_max_files'] = 2;
                return;
        }
        self::fail("no situation $situation");
    }

    private function mount(string $options, string $then): void
    {
        self::needRoot();
        $this->before = "unshare -m sh -c 'mount -t tmpfs -o $options,mode=0755 none $this->buffer"
            . " && { $then; } 2> /dev/null; %s'";
    }

    /** As systemd does it, on another folder than /tmp, for this test lies in that. */
    private function preparePrivateTmp(): void
    {
        self::needRoot();
        $private = "$this->folder/systemd-private-0123-php-fpm.service-4567/tmp";
        mkdir($private, 0755, true);
        $this->settings['buffer_dirs'] = [$private, '/var/tmp'];
        $this->before = "unshare -m sh -c 'mount --bind $private /var/tmp && %s'";
    }

    private function prepareTasks(): void
    {
        self::needRoot();
        $root = is_dir('/sys/fs/cgroup/pids') ? '/sys/fs/cgroup/pids' : '/sys/fs/cgroup';
        $group = "$root/transmit-" . bin2hex(random_bytes(4));
        exec("mkdir $group && test -f $group/pids.max && rmdir $group 2>&1", $output, $failed);
        if ($failed) {
            self::markTestSkipped('no cgroup with the controller pids can be made here');
        }
        // Three: this shell, a second one, and PHP. The shell that tidies up is not in it.
        $this->before = "mkdir $group && echo 5 > $group/pids.max"
            . " && sh -c 'echo \$\$ > $group/cgroup.procs; %s'; status=\$?; rmdir $group; exit \$status";
    }

    /** A library with the same functions and another ABI version. */
    private function otherLibrary(): string
    {
        if (exec('command -v gcc') === '') {
            self::markTestSkipped('a C compiler is needed');
        }
        $source = "unsigned transmit_abi_version(void) { return 99; }\n";
        foreach (self::functions() as $name) {
            $source .= $name === 'transmit_abi_version' ? '' : "int $name(void) { return 0; }\n";
        }
        file_put_contents("$this->folder/other.c", $source);
        $library = "$this->folder/libtransmit.so.99";
        $ran = Program::run("gcc -shared -fPIC -w -o $library $this->folder/other.c");
        self::assertSame(0, $ran['status'], $ran['errors']);
        return $library;
    }

    /** @return list<string> the header's */
    private static function functions(): array
    {
        $header = file_get_contents(dirname(__DIR__, 2) . '/include/transmit_ffi.h');
        preg_match_all('/\b(transmit_\w+)\(/', $header, $found);
        return $found[1];
    }

    private function startFpm(string $ini, string $situation, string $pool = ''): void
    {
        if (Fpm::binary() === null) {
            self::markTestSkipped('php-fpm and cgi-fcgi (Debian: php-fpm, libfcgi-bin) are needed');
        }
        mkdir("$this->folder/b");
        chmod("$this->folder/b", 01777);
        if ($situation !== 'root buffer') {
            $this->buffer = "$this->folder/b";
        }
        $this->settings['buffer_dirs'] = [$this->buffer];
        $this->prepare($situation === '' ? 'listening' : $situation);
        $this->before = '';
        chmod(Scratch::root(), 0755);
        $this->command(''); // writes the configuration
        $own = PHP_VERSION_ID < 80000 ? ['extension=posix', 'extension=json'] : ['extension=posix'];
        $prepend = $ini !== '' && strpos($ini . $pool, 'auto_prepend_file') === false
            ? ["auto_prepend_file=$this->prepend"] : [];
        $options = array_merge($own, $prepend, $ini === '' ? [] : explode(' ', $ini));
        $this->fpm = new Fpm($this->folder, $options, $pool);
    }

    private function otherPrepend(): string
    {
        file_put_contents("$this->folder/other.php", '<?php');
        return "$this->folder/other.php";
    }

    /** A site with a folder that has its own prepended file. */
    private function makeSite(string $prepend): void
    {
        mkdir("$this->folder/site/a", 0755, true);
        file_put_contents("$this->folder/site/a/.user.ini", "auto_prepend_file=$prepend\n");
    }

    private static function needStrace(): void
    {
        if (exec('command -v strace') === '') {
            self::markTestSkipped('strace is needed');
        }
    }

    private static function needRoot(): void
    {
        if (posix_geteuid() !== 0) {
            self::markTestSkipped('only root can do this');
        }
    }

    private static function doctor(): string
    {
        return dirname(__DIR__, 2) . '/php/doctor.php';
    }

    private static function library(): string
    {
        return getenv('TRANSMIT_LIBRARY') ?: dirname(__DIR__, 2) . '/build/libtransmit.so';
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
