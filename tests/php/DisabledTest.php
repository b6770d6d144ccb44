<?php

namespace Transmit\Test;

/**
 * Any function that the PHP files call is disabled, alone or with those that hosting panels disable. The profile is
 * sent, or on the disk, or lost with a log line. Nothing is thrown or raised.
 */
final class DisabledTest extends TransmitTestCase
{
    /** So many processes at a time. */
    private const PROCESSES = 4;

    /** What PHP calls by an instruction of its own. */
    private const OPCODES = [
        'strlen', 'count', 'is_array', 'is_bool', 'is_int', 'is_object', 'is_string', 'array_key_exists',
    ];

    /** With all of these, every profile arrives. */
    private const SETS = [
        'Plesk' => 'opcache_get_status',
        'cPanel' => 'show_source,system,shell_exec,passthru,exec,popen,proc_open,symlink,link,readlink,dl,ini_alter,'
            . 'ini_restore,posix_getpwuid,posix_geteuid,posix_getuid,posix_getgroups,posix_kill,chown,chgrp',
        'aaPanel' => 'passthru,exec,system,putenv,chroot,chgrp,chown,shell_exec,popen,proc_open,pcntl_exec,ini_alter,'
            . 'ini_restore,dl,openlog,syslog,readlink,symlink,popepassthru,pcntl_alarm,pcntl_fork,pcntl_waitpid,'
            . 'pcntl_wait,pcntl_signal,pcntl_signal_dispatch,pcntl_async_signals,imap_open,apache_setenv',
        'ISPConfig' => 'exec,passthru,shell_exec,system,proc_open,popen,curl_multi_exec,parse_ini_file,show_source,'
            . 'php_uname,getmyuid,getmypid,get_current_user,disk_free_space,disk_total_space,php_ini_loaded_file',
        'no sockets' => 'fsockopen,pfsockopen,stream_socket_client,stream_socket_server,socket_create,stream_select',
        'no settings' => 'ini_set,ini_get,ini_get_all,getenv,putenv,set_time_limit,error_reporting,set_error_handler',
        'no log' => 'error_log,syslog,openlog',
    ];

    /** What PHP 7.4 needs to tell a disabled function, for a call of it throws nothing there, and to load classes. */
    private const NEEDED_ON_7_4 = ['function_exists', 'spl_autoload_register', 'strncmp'];

    private const EXTENSIONS = ['ffi', 'posix', 'pcntl', 'sockets', 'tideways_xhprof', 'excimer'];

    /** What a send may run: all but the doctor, the status page and the profiler. */
    private const FILES = '~^(?!.*/(?:Doctor|Status|Profiler)/).*\.php$~';

    private const PREPENDED_FILES
        = '~/(?:auto_prepend|Autoloader|JsonError|Log|Printable|Quiet|Signals|Profiler|Profiler/\w+)\.php$~';

    /** Each process sends in all four ways. */
    public function testNothingIsThrownAndNothingIsLostInSilence(): void
    {
        $this->useFace('native');
        $listener = new Listener($this->socket);
        $program = Program::write($this->folder, [$this->buffer], '
            try { // PHP 7.4 throws nothing, and warns
                @pcntl_async_signals(true);
                @set_error_handler(static function ($level, $message) {
                    echo "raised: $message\n";
                    return true;
                });
            } catch (Error $disabled) {
            }
            foreach (["/nowhere/s", get_profiling_config()["listener_socket"]] as $socket) {
                foreach (["", null] as $library) {
                    $GLOBALS["more"] = ["listener_socket" => $socket, "library" => $library];
                    echo send_profiling_data(["n" => ++$n . NAME]) ? "sent " : "not ";
                }
            }', 'native');
        $ended = $this->runAll($program, self::SETS + self::functions(self::FILES));
        $arrived = implode($this->buffered());
        while (($json = $listener->receive()) !== null) {
            $arrived .= $json;
        }
        foreach ($ended as $name => [$status, $output, $errors]) {
            self::assertSame('0', $status, "$name: $output$errors");
            self::assertMatchesRegularExpression('/^(?:(?:sent|not) ){4}$/', $output, "$name: $errors");
            $count = preg_match_all("/\"n\":\"[1-4]$name\"/", $arrived);
            self::assertLessThanOrEqual(4, $count, $name);
            $isSaid = strpos($errors, 'Profiler: ') !== false || $name === 'error_log';
            self::assertTrue($count === 4 || $isSaid && !isset(self::SETS[$name]), "$name: $count, $errors");
        }
    }

    /** @return array<string, array{string, string}> an extension, the files whose functions are disabled */
    public function profilers(): array
    {
        return [
            'tideways_xhprof' => ['tideways_xhprof', self::PREPENDED_FILES],
            'excimer' => ['excimer', '~/Profiler/(?:Excimer|SampledFunctions)\.php$~'],
        ];
    }

    /**
     * With auto_prepend.php, the page is as without, and the profile is not lost in silence.
     *
     * @dataProvider profilers
     */
    public function testAPageIsAsWithout(string $profiler, string $files): void
    {
        $program = Program::write($this->folder, [$this->buffer], '/* auto_prepend */
            try {
                @set_error_handler(static function ($level, $message) { echo "raised: $message\n"; });
            } catch (Error $disabled) {
            }
            $job = static function () { echo "job "; };
            foreach (get_declared_classes() as $class) {
                if ($class === "Transmit\Profiler") {
                    $class::profile($job, NAME);
                    $class::start();
                    $class::name(NAME);
                    $class::add("rows", [1]);
                    $class::query("select 1", 1.5);
                    $job = static function () { };
                }
            }
            $job();
            echo "page";');
        $prepend = dirname(__DIR__, 2) . '/php/auto_prepend.php';
        $options = " -d auto_prepend_file=$prepend -d transmit.profiler=$profiler -d transmit.call_graph=1";
        $sets = str_replace(',error_reporting', '', self::SETS); // without that, nothing keeps warnings from the page
        $functions = self::functions($files);
        if (PHP_VERSION_ID < 80000) {
            unset($functions['class_exists']); // auto_prepend.php needs it there
        }
        $ended = $this->runAll($program, $sets + $functions, $options);
        $arrived = implode($this->buffered());
        foreach ($ended as $name => [$status, $output, $errors]) {
            self::assertSame(['job page', '0'], [$output, $status], "$name: $errors");
            self::assertMatchesRegularExpression('/^(?:Profiler: .*\n){0,3}$/', $errors, $name);
            self::assertLessThan(2, substr_count($errors, 'is measured: '), "$name: $errors");
            $isComplete = substr_count($arrived, "\"name\":\"$name\"") === 2;
            self::assertTrue($isComplete || $errors !== '' || $name === 'error_log', $name);
        }
    }

    /**
     * Where a pool of php-fpm disables a function, PHP crashes in code that another pool has compiled, if that names
     * the function in full. In a namespace, PHP looks for it when the call runs.
     */
    public function testAFunctionIsLookedForWhenTheCallRuns(): void
    {
        $folder = dirname(__DIR__, 2) . '/php';
        $files = new \RecursiveIteratorIterator(new \RecursiveDirectoryIterator($folder));
        $full = [];
        $inPages = '~^(?!.*/(?:Doctor|Status|Cdef)/|.*/(?:doctor|status|preload|Preloaded/functions)\.php).*\.php$~';
        foreach (new \RegexIterator($files, $inPages) as $file) {
            $code = php_strip_whitespace((string) $file);
            $code = preg_replace("~'(?:[^'\\\\]|\\\\.)*'~s", "''", $code);
            $isGlobal = preg_match('~^<\?php[^;]*;?\s*namespace ~', $code) !== 1;
            $lines = str_replace(';', ";\n", $code);
            preg_match_all('~^\s*use function (\w+)|(?<![\w\\\\>:$])\\\\([a-z_]\w*)\(~m', $lines, $found);
            $names = array_merge($found[1], $found[2]);
            if ($isGlobal) {
                preg_match_all('~(?<![\w\\\\>:$])(?<!function )([a-z_]\w*)\(~', $code, $found);
                $names = array_merge($names, array_filter($found[1], 'function_exists'));
            }
            foreach (array_diff(array_filter($names), self::OPCODES) as $name) {
                if (strpos(file_get_contents((string) $file), "isPhps('$name')") === false) {
                    $full[] = basename((string) $file) . ": $name";
                }
            }
        }
        self::assertSame([], $full);
    }

    /**
     * @param array<string, string> $sets by name: disable_functions
     * @return array<string, array{string, string, string}> exit status, stdout, stderr
     */
    private function runAll(string $program, array $sets, string $options = ''): array
    {
        $temp = escapeshellarg($this->folder);
        foreach (array_chunk($sets, self::PROCESSES, true) as $number => $chunk) {
            $shell = '';
            foreach ($chunk as $name => $functions) {
                $path = escapeshellarg("$this->folder/ran-$name");
                mkdir("$this->folder/temp-$name");
                $code = "<?php const NAME = '$name'; \$n = 0; require '$program';";
                file_put_contents("$this->folder/$name.php", $code);
                $shell .= self::php() . $options . ' -d disable_functions=' . escapeshellarg($functions)
                    . " -d sys_temp_dir=$temp/" . escapeshellarg("temp-$name")
                    . " $temp/" . escapeshellarg($name) . ".php > $path.out 2> $path.err;"
                    . " echo -n \$? > $path.status & ";
            }
            Program::run($shell . 'wait');
        }
        $ended = [];
        foreach ($sets as $name => $functions) {
            $path = "$this->folder/ran-$name";
            $ended[$name] = array_map(static function (string $kind) use ($path): string {
                return file_get_contents("$path.$kind");
            }, ['status', 'out', 'err']);
        }
        return $ended;
    }

    /** Without an ini file, a process starts five times faster. */
    private static function php(): string
    {
        $extensions = array_filter(self::EXTENSIONS, static function (string $name): bool {
            return is_file(ini_get('extension_dir') . "/$name.so");
        });
        $load = implode(' -d extension=', array_merge([''], $extensions));
        return 'timeout 20 php ' . implode(' ', Program::BARE) . "$load -d ffi.enable=true -d display_errors=stderr";
    }

    /** @return array<string, string> all internal functions that these files of php/ call, by their names */
    private static function functions(string $pattern): array
    {
        $found = [];
        $folder = dirname(__DIR__, 2) . '/php';
        $files = new \RecursiveIteratorIterator(new \RecursiveDirectoryIterator($folder));
        foreach (new \RegexIterator($files, $pattern) as $file) {
            $tokens = token_get_all(file_get_contents((string) $file));
            foreach ($tokens as $i => $token) {
                $name = is_array($token) ? ltrim($token[1], '\\') : '';
                if (($tokens[$i + 1] ?? '') === '(' && function_exists($name)) {
                    $found[$name] = (new \ReflectionFunction($name))->isInternal();
                }
            }
        }
        $functions = array_keys(array_filter($found));
        $functions = array_diff($functions, PHP_VERSION_ID < 80000 ? self::NEEDED_ON_7_4 : []);
        return array_combine($functions, $functions);
    }
}
