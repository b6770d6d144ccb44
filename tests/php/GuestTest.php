<?php

namespace Transmit\Test;

/**
 * Commands with and without auto_prepend.php: output, errors and status are the same, and there is one profile.
 */
final class GuestTest extends TransmitTestCase
{
    /** An object whose destructor prints what it is given as PHP code. */
    private const LAST = 'final class Last { public static $it; private $do; public function __construct($do) '
        . '{ $this->do = $do; } public function __destruct() { ($this->do)(); } }'
        . ' Last::$it = new Last(function () { %s });';

    /** Before the first autoloader, PHP 7.4 says false; after the last one, an empty list. */
    private const STATE = 'echo json_encode([get_defined_functions()["user"], spl_autoload_functions() ?: [],'
        . ' array_keys($GLOBALS), ini_get("memory_limit"), ini_get("max_execution_time"), error_get_last(),'
        . ' ob_get_level(), set_error_handler(null), set_exception_handler(null), preg_last_error(), headers_sent(),'
        . ' session_status(), error_reporting(), ignore_user_abort(), connection_status(), getcwd(), gc_enabled(),'
        . ' ini_get("zend.enable_gc")]);';

    /** An object of a cycle, whose destructor does what %s says, and as many cycles as PHP just does not collect. */
    private const GARBAGE = 'class Node { private $self; function __construct() { $this->self = $this; }
            function __destruct() { echo "destructor "; %s; } }
        class Light { public $self; }
        set_error_handler(function ($level, $message) { echo "handler: $message "; return true; });
        for ($i = 0; $i < 300; $i++) { eval("function g$i() {}"); }
        function fill() { new Node(); while (gc_status()["roots"] < 9900) { $l = new Light(); $l->self = $l; }
            for ($i = 0; $i < 300; $i++) { ("g$i")(); } }
        fill();';

    /** @return array<string, array{string}> */
    public function pages(): array
    {
        $pages = [
            'state at the start' => self::STATE,
            'state in a destructor' => sprintf(self::LAST, self::STATE),
            'handles that are freed and taken again' => 'final class F { public static $all; private $n;
                function __construct($n) { $this->n = $n; } function __destruct() { echo $this->n; } }
                $t = []; for ($i = 0; $i < 9; $i++) { $t[] = new stdClass(); }
                foreach ([7, 0, 4] as $i) { unset($t[$i]); F::$all[] = new F($i); }
                unset($t); for ($i = 10; $i < 20; $i++) { F::$all[] = new F($i); }',
            'shutdown functions, 12 deep' => 'function c($n) { echo $n, " "; if ($n < 12) {
                register_shutdown_function("c", $n + 1); } } register_shutdown_function("c", 0);',
            'exit in a shutdown function' => 'register_shutdown_function(function () { echo "a"; exit(7); });
                register_shutdown_function(function () { echo "b"; });',
            'exit in a shutdown function of a shutdown function' => 'register_shutdown_function(function () {
                register_shutdown_function(function () { echo "c"; exit(8); }); });',
            'exit in a destructor' => sprintf(self::LAST, 'echo "d"; exit(9);'),
            'exit in a destructor, early' => 'class E { function __destruct() { exit(9); } } new E(); echo "no";',
            'exception in a destructor' => sprintf(self::LAST, 'throw new Exception("x");'),
            'exception in a shutdown function' => 'register_shutdown_function(function () { throw new Exception(); });',
            'exit in an output callback' => 'ob_start(function () { exit(3); }); echo "x";',
            'output callback' => 'ob_start(function ($b) { return strtoupper($b); }); echo "x";',
            'garbage whose destructor warns' => sprintf(self::GARBAGE, 'trigger_error("warning")'),
            'garbage whose destructor throws' => sprintf(self::GARBAGE, 'throw new Exception("x")'),
            'no collection of garbage' => 'gc_disable();' . sprintf(self::LAST, self::STATE),
            'fatal error' => sprintf(self::LAST, 'echo "d";') . 'undefined();',
            'header callback' => 'header_register_callback(function () { echo "h"; }); echo "x";',
            'exception handler' => 'set_exception_handler(function ($e) { echo $e->getMessage(); });
                set_error_handler(function ($l, $m) { throw new Exception("m"); }); echo $x;',
            'autoloader that prints' => 'spl_autoload_register(function ($c) { echo "[$c]"; });'
                . sprintf(self::LAST, 'class_exists("Some\Thing");'),
            'autoloader that throws' => 'spl_autoload_register(function () { throw new Exception(); }, true, true);',
            'random numbers' => 'mt_srand(42); echo mt_rand(), rand();' . sprintf(self::LAST, 'echo mt_rand();'),
            'ticks' => 'declare(ticks=1); register_tick_function(function () { echo "t"; }); $a = 1; $b = 2;',
            'backtrace' => 'function f() { echo count(debug_backtrace()); } f(); register_shutdown_function("f");',
            'streams that are closed' => 'fclose(STDERR); fclose(STDOUT);',
            'session' => 'ini_set("session.use_cookies", "0"); ini_set("session.save_path", __DIR__); session_id("abc");
                session_start(); $_SESSION["a"] = 1;' . sprintf(self::LAST, '$_SESSION["late"] = 1;'
                    . 'register_shutdown_function("nothing"); echo json_encode($_SESSION), session_status();'),
            'session handler' => 'ini_set("session.use_cookies", "0"); session_set_save_handler(
                function () { echo "open "; return true; }, function () { echo "close "; return true; },
                function () { return ""; }, function ($id, $data) { echo "write $data "; return true; },
                function () { return true; }, function () { return 0; }); session_start(); $_SESSION["a"] = 1;'
                . sprintf(self::LAST, 'echo "d ";'),
            'session_write_close' => 'ini_set("session.use_cookies", "0"); ini_set("session.save_path", __DIR__);
                session_start(); $_SESSION["a"] = 1; session_write_close(); echo session_status();',
        ];
        return array_map(static function (string $page): array {
            return [$page];
        }, $pages + self::pagesAtALimit());
    }

    /** @return array<string, string> */
    private static function pagesAtALimit(): array
    {
        $pages = [];
        foreach (['8M', '64M', '2G', '-1'] as $limit) {
            $pages["memory_limit $limit"] = "ini_set('memory_limit', '$limit');"
                . sprintf(self::LAST, 'echo ini_get("memory_limit");');
        }
        $pages['memory ran out, small pieces'] = 'ini_set("memory_limit", "8M");
            register_shutdown_function(function () { echo ini_get("memory_limit"); });
            for (;;) { $a[] = str_repeat("x", 500); }';
        $pages['memory ran out, a large piece'] = 'ini_set("memory_limit", "8M");
            register_shutdown_function(function () { echo ini_get("memory_limit"); }); str_repeat("x", 1 << 30);';
        // Pieces of one page fill the gaps, too: what is left at the end is free.
        $pages['memory next to the limit'] = '$a = array_fill(0, 999, 0);
            $limit = (string) memory_get_usage(true); ini_set("memory_limit", $limit);
            for ($i = 0; $limit - memory_get_usage() > 200000; $a[$i++] = str_repeat("x", 4000)); echo "still here, ";
            ' . sprintf(self::LAST, 'echo "and here";');
        $pages['time is up'] = 'set_time_limit(1); for (;;);';
        // PHP with threads counts real time, PHP without them CPU time.
        $pages['time is nearly up'] = 'set_time_limit(1); $start = hrtime(true); do { $u = getrusage(); }
            while ((PHP_ZTS ? (hrtime(true) - $start) / 1e3 : ($u["ru_utime.tv_sec"] + $u["ru_stime.tv_sec"]) * 1e6
                + $u["ru_utime.tv_usec"] + $u["ru_stime.tv_usec"]) < 800000); echo ini_get("max_execution_time");';
        return $pages;
    }

    /** @dataProvider pages */
    public function testACommandIsAsWithout(string $page): void
    {
        self::assertSame($this->page($page, ''), $this->page($page, self::prepend()));
        // After an exception in a shutdown function, PHP 7.4 runs no other one, and no destructor.
        $isLost = PHP_VERSION_ID < 80000 && $this->dataName() === 'exception in a shutdown function';
        self::assertCount($isLost ? 0 : 1, $this->buffered());
    }

    /** @return array<string, array{int, string}> how many bytes are left at the end, what else the page does */
    public function rooms(): array
    {
        return [
            'memory ran out' => [400000, 'str_repeat("x", 1 << 30);'],
            '300 KB' => [300000, ''],
            '400 KB' => [400000, ''],
            '600 KB' => [600000, ''],
            '1.9 MB' => [1900000, ''],
            '2.5 MB' => [2500000, ''],
            '5 MB' => [5000000, ''],
        ];
    }

    /**
     * As with php_admin_value[memory_limit]: the profiler cannot raise it.
     *
     * @dataProvider rooms
     */
    public function testAMemoryLimitThatStays(int $left, string $more): void
    {
        // Pieces of half a chunk first; pieces of one page fill the gaps, too.
        $page = sprintf('$a = array_fill(0, 9999, 0); $i = 0; $limit = 16 << 20;
            while ($limit - memory_get_usage(true) >= %1$d + (2 << 20)) { $a[$i++] = str_repeat("x", 1 << 20); }
            while ($limit - memory_get_usage() > %1$d) { $a[$i++] = str_repeat("x", 4000); } echo "still here, ";
            ', $left) . sprintf(self::LAST, 'echo "and here";') . $more;
        $options = '-d disable_functions=ini_set -d memory_limit=16M';
        $without = $this->page($page, '', true, $options);
        self::assertStringStartsWith('still here', $without['output']);
        self::assertSame($without, $this->page($page, self::prepend(), true, $options));
        $lost = preg_grep('/Profiler: .*: memory_limit leaves /', $this->logLines());
        self::assertSame(1, count($this->buffered()) + count($lost), implode("\n", $this->logLines()));
    }

    /** @return array<string, array{string}> */
    public function forks(): array
    {
        return [
            'children that exit' => ['for ($i = 0; $i < 3; $i++) { if (($p = pcntl_fork()) === 0) { exit($i); }
                pcntl_waitpid($p, $s); echo pcntl_wexitstatus($s); }'],
            'a child that ends' => ['if (pcntl_fork() === 0) { echo "child "; }
                else { pcntl_wait($s); echo "parent"; }'],
            'a child that forks' => ['if (pcntl_fork() === 0) { pcntl_fork() && pcntl_wait($s); exit; }
                pcntl_wait($s);'],
            'signals' => ['pcntl_async_signals(true); pcntl_signal(SIGUSR1, function () { echo "s"; });'
                . sprintf(self::LAST, 'posix_kill(getmypid(), SIGUSR1); echo (int) pcntl_async_signals();')],
        ];
    }

    /** @dataProvider forks */
    public function testForkAndSignals(string $page): void
    {
        if (!function_exists('pcntl_fork')) {
            self::markTestSkipped('pcntl is needed');
        }
        $this->testACommandIsAsWithout($page);
    }

    /** @return array<string, array{string}> */
    public function profilers(): array
    {
        return ['excimer' => ['excimer'], 'tideways_xhprof' => ['tideways_xhprof']];
    }

    /**
     * The application's autoloader is not asked, nothing is logged, and a child's own profile has none of its parent's.
     *
     * @dataProvider profilers
     */
    public function testForkedChildren(string $profiler): void
    {
        if (!extension_loaded($profiler) || !function_exists('pcntl_fork')) {
            self::markTestSkipped("$profiler and pcntl are needed");
        }
        $own = $profiler === 'excimer' ? 0 : 1; // glibc may hang where a forked child starts excimer's timers
        $page = '$own = ' . $own . '; spl_autoload_register(function ($class) { echo "[$class]"; });
            function parents() { for ($end = hrtime(true) + 3e7; hrtime(true) < $end;); } parents();
            function children() { for ($end = hrtime(true) + 3e7; hrtime(true) < $end;); }
            for ($i = 0; $i < 2; $i++) {
                if (pcntl_fork() === 0) {
                    $own && $i && Transmit\Profiler::start();
                    children();
                    exit("child ");
                }
                pcntl_wait($status);
            }
            exit("parent");';
        $ran = $this->page($page, self::prepend(), true, "-d transmit.profiler=$profiler");
        self::assertSame(['child child parent', ''], [$ran['output'], $ran['errors']]);
        self::assertSame([], preg_grep('/nothing is measured|lost/', $this->logLines()));
        $ofChildren = implode(preg_grep('/"children"/', $this->buffered()));
        self::assertCount(1 + $own, $this->buffered());
        self::assertSame($own, substr_count($ofChildren, '"children"'));
        self::assertStringNotContainsString('"parents"', $ofChildren);
    }

    /** @return array<string, array{string, string}> what the application declares, what it prints of it */
    public function names(): array
    {
        $names = [];
        preg_match_all('/^    function (\w+)\(/m', (string) file_get_contents(self::php('functions.php')), $functions);
        foreach (array_merge($functions[1], ['get_profiling_config']) as $name) {
            $result = $name === 'get_profiling_config' ? 'GIVEN' : "'mine'";
            $names[$name] = ["function $name(\$a = 1) { return $result; }", "echo json_encode($name([]));"];
        }
        foreach (['TRANSMIT_TIMEOUT_USEC', 'MAX_DATAGRAM_SIZE'] as $name) {
            $names[$name] = ["define('$name', 7);", "echo $name;"];
        }
        return $names;
    }

    /** @dataProvider names */
    public function testEachNameMayBeTheApplications(string $declaration, string $use): void
    {
        $transmitter = self::php('transmitter.php');
        foreach (['', "require '$transmitter'; require '$transmitter'; send_profiling_data(['x' => 1]);"] as $more) {
            $page = "$declaration $use $more";
            self::assertSame($this->page($page, '', false), $this->page($page, self::prepend(), false));
        }
    }

    public function testTheReferenceItselfMayBeRequired(): void
    {
        $reference = dirname(__DIR__, 3) . '/shared/reference/transmitter.php';
        if (!is_file($reference)) {
            self::markTestSkipped("$reference is not there");
        }
        $listener = new Listener($this->socket);
        mkdir("$this->folder/old");
        copy($reference, "$this->folder/old/transmitter.php");
        file_put_contents("$this->folder/old/config.php", '<?php function get_profiling_config(): array
            { return ["listener_socket" => "' . $this->socket . '"]; }');
        $page = "require '$this->folder/old/transmitter.php'; echo (int) send_profiling_data(['old' => 1]);";
        self::assertSame('1', $this->page($page, self::prepend(), false)['output']);
        self::assertStringStartsWith('{"old":1', $listener->receive());
        self::assertStringContainsString('"elapsed_ms"', $listener->receive());
    }

    public function testFilesThatCannotBeReadAreNoErrorOfThePage(): void
    {
        copy(self::prepend(), "$this->folder/auto_prepend.php");
        $ran = $this->page('echo "page";', "$this->folder/auto_prepend.php");
        self::assertSame(['page', 0], [$ran['output'], $ran['status']]);
    }

    /** @return array{output: string, errors: string, status: int} */
    private function page(string $page, string $prepend, bool $isConfigured = true, string $options = ''): array
    {
        $config = var_export(['listener_socket' => "$this->folder/none", 'buffer_dirs' => [$this->buffer],
            'library' => ''], true);
        $page = str_replace('GIVEN', $config, $page);
        file_put_contents("$this->folder/page.php", "<?php\n$page\n");
        $function = $isConfigured ? "<?php function get_profiling_config() { return $config; }" : '<?php';
        file_put_contents("$this->folder/pre.php", $function . ($prepend === '' ? '' : " require '$prepend';"));
        $ran = Program::run("cd $this->folder && php -d display_errors=1 -d html_errors=0 -d log_errors=1"
            . " -d error_log=$this->log $options -d auto_prepend_file=$this->folder/pre.php page.php");
        // The last piece that did not fit is another one: our own data is in the memory, too.
        $ran['output'] = preg_replace('/(?<=tried to allocate )\d+/', 'some', $ran['output']);
        return $ran;
    }

    private static function prepend(): string
    {
        return self::php('auto_prepend.php');
    }

    private static function php(string $file): string
    {
        return dirname(__DIR__, 2) . "/php/$file";
    }
}
