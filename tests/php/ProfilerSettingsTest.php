<?php

namespace Transmit\Test;

use Transmit\Autoloader;
use Transmit\Profiler\Options;

/**
 * Which requests and commands are profiled, what their profiles hold, and Transmit\Profiler.
 */
final class ProfilerSettingsTest extends TransmitTestCase
{
    /** @return array<string, array{string, mixed, string, mixed, bool}> key, value, property, what it becomes, valid */
    public function values(): array
    {
        return [
            'profiler' => ['profiler', 'excimer', 'profiler', 'excimer', true],
            'profiler unknown' => ['profiler', 'Xhprof', 'profiler', 'auto', false],
            'rate' => ['sample_rate', 0.25, 'sampleRate', 0.25, true],
            'rate below 0' => ['sample_rate', -0.1, 'sampleRate', 1.0, false],
            'rate above 1' => ['sample_rate', 1.1, 'sampleRate', 1.0, false],
            'rate as text' => ['sample_rate', '0.5', 'sampleRate', 1.0, false],
            'interval' => ['sample_interval_ms', 1, 'sampleIntervalMs', 1.0, true],
            'interval 0' => ['sample_interval_ms', 0, 'sampleIntervalMs', 10.0, false],
            'threshold' => ['slow_threshold_ms', 1.5, 'slowThresholdMs', 1.5, true],
            'threshold below 0' => ['slow_threshold_ms', -1, 'slowThresholdMs', 0.0, false],
            'a minute' => ['max_per_minute', 5, 'maxPerMinute', 5, true],
            'a minute, a fraction' => ['max_per_minute', 1.5, 'maxPerMinute', 0, false],
            'exclude' => ['exclude', ['/a', '/b*'], 'exclude', ['/a', '/b*'], true],
            'exclude a text' => ['exclude', '/a', 'exclude', [], false],
            'query' => ['url_query', true, 'urlQuery', true, true],
            'query names' => ['url_query', ['page'], 'urlQuery', ['page'], true],
            'query no bool' => ['url_query', 1, 'urlQuery', false, false],
            'cli' => ['profile_cli', false, 'profileCli', false, true],
            'finish' => ['finish_request', 1, 'finishRequest', false, false],
            'secret' => ['force_secret', null, 'forceSecret', '', true],
        ];
    }

    /**
     * @dataProvider values
     * @param mixed $value
     * @param mixed $want
     */
    public function testValues(string $key, $value, string $property, $want, bool $isValid): void
    {
        self::assertSame($want, (new Options([$key => $value]))->$property);
        self::assertSame($isValid ? [] : [$key], Options::problems([$key => $value]));
    }

    public function testNoneNeedsNoQuotationMarksInPhpIni(): void
    {
        $autoload = escapeshellarg('require "' . self::php('autoload.php') . '";'
            . 'echo (new Transmit\Profiler\Options(null))->profiler;');
        $wanted = ['none' => 'none', '\"none\"' => 'none', 'excimer' => 'excimer', 'other' => 'auto'];
        foreach ($wanted as $text => $want) {
            self::assertSame($want, Program::run("php -d transmit.profiler=$text -r $autoload")['output'], $text);
        }
    }

    public function testTheClassesThatAreLoadedWithoutALookAreThere(): void
    {
        $often = (new \ReflectionClassConstant(Autoloader::class, 'OFTEN'))->getValue();
        foreach ($often as $class => $path) {
            self::assertSame(self::php("src$path"), (new \ReflectionClass($class))->getFileName());
        }
    }

    /** @return array<string, array{string, string, int}> settings, environment, profiles */
    public function selections(): array
    {
        $forced = "'force_secret' => 's3cret'";
        $uri = 'REQUEST_URI=/health/1?x=/shop ';
        return [
            'all' => ['', '', 1],
            'rate 0' => ["'sample_rate' => 0", '', 0],
            'rate 0, forced' => ["'sample_rate' => 0, 'slow_threshold_ms' => 9e9, $forced",
                'HTTP_X_TRANSMIT_PROFILE=s3cret', 1],
            'rate 0, a wrong secret' => ["'sample_rate' => 0, $forced", 'HTTP_X_TRANSMIT_PROFILE=s3cre', 0],
            'an empty secret forces nothing' => ["'sample_rate' => 0", 'HTTP_X_TRANSMIT_PROFILE=', 0],
            'rate as text' => ["'sample_rate' => '0'", '', 1],
            'rate below 0' => ["'sample_rate' => -1", '', 1],
            'rate above 1' => ["'sample_rate' => 2", '', 1],
            'excluded' => ["'exclude' => ['/health/*']", $uri, 0],
            'another path is excluded' => ["'exclude' => ['/health', '/shop']", $uri, 1],
            'commands off' => ["'profile_cli' => false", '', 0],
            'threshold' => ["'slow_threshold_ms' => 60000", '', 0],
            'none' => ["'profiler' => 'none'", '', 1],
        ];
    }

    /** @dataProvider selections */
    public function testSelection(string $settings, string $environment, int $want): void
    {
        $this->profile($settings, 'usleep(1000);', $environment);
        self::assertCount($want, $this->buffered());
        self::assertStringNotContainsString('s3cret', implode($this->buffered()));
    }

    /** @return array<string, array{string, string, int}> php.ini's, settings, profiles */
    public function rates(): array
    {
        return [
            '0' => ['sample_rate=0', '', 0],
            '0.0' => ['sample_rate=0.0', '', 0],
            'no number' => ['sample_rate=x0', '', 1],
            'empty' => ['sample_rate=', '', 1],
            'below 0' => ['sample_rate=-1', '', 1],
            'the application has another' => ['sample_rate=0', "'sample_rate' => 1", 1],
            'the application has null' => ['sample_rate=0', "'sample_rate' => null", 0],
            'only the application has 0' => ['sample_rate=1', "'sample_rate' => 0", 0],
            'forced' => ['sample_rate=0 -d transmit.force_secret=s3cret', '', 1],
            'forced by the application' => ['sample_rate=0', "'force_secret' => 's3cret'", 1],
        ];
    }

    /** @dataProvider rates */
    public function testTheSampleRateInPhpIni(string $ini, string $settings, int $want): void
    {
        $this->profile($settings, '', 'HTTP_X_TRANSMIT_PROFILE=s3cret', "-d transmit.$ini");
        self::assertCount($want, $this->buffered());
    }

    public function testARequestIsDrawnOnce(): void
    {
        $code = 'for ($i = $drawn = 0; $i < 2000; $i++) { Transmit\Profiler::discard();'
            . ' Transmit\Profiler::startRequest(); $drawn += Transmit\Profiler::isActive() ? 1 : 0; }'
            . ' Transmit\Profiler::discard(); echo $drawn;';
        $drawn = $this->profile("'sample_rate' => 0.5, 'profiler' => 'none'", $code);
        self::assertEqualsWithDelta(1000, (int) $drawn, 150); // seven standard deviations
    }

    public function testARequestThatIsNotMeasuredLoadsLittle(): void
    {
        $code = 'echo implode(" ", preg_replace("#.*/#", "", preg_grep("#/php/src/#", get_included_files())));';
        $signals = extension_loaded('pcntl') ? ' Signals.php' : '';
        self::assertSame("Autoloader.php Profiler.php$signals", $this->profile("'sample_rate' => 0", $code));
    }

    public function testACommandIsProfiledOnlyIfItWasAskedFor(): void
    {
        $prepend = $this->prepend('', '');
        mkdir("$this->folder/ini");
        file_put_contents("$this->folder/ini/a.ini", "auto_prepend_file=$prepend");
        Program::run("PHP_INI_SCAN_DIR=:$this->folder/ini php $this->folder/page.php");
        Program::run("PHP_INI_SCAN_DIR=:$this->folder/ini php -- $this->folder/page.php -d auto_prepend_file=x");
        self::assertCount(0, $this->buffered());
        Program::run("PHP_INI_SCAN_DIR=:$this->folder/ini php -d transmit.profile_cli=1 $this->folder/page.php");
        self::assertCount(1, $this->buffered());
    }

    /** @return array<string, array{string, string}> what another user has made before; open_basedir */
    public function places(): array
    {
        return [
            'nobody was there first' => ['', ''],
            'the file' => ['rate%s-%d', ''],
            'the state directory, a file' => ['state-%2$d', ''],
            'the state directory' => ['state-%2$d/', ''],
            'no temp directory' => ['', '%s:%s/php:%2$s/build'],
        ];
    }

    /** @dataProvider places */
    public function testTheLimitAMinuteIsThatOfAllProcesses(string $taken, string $walls): void
    {
        $code = 'for ($i = 0; $i < 20; $i++) { Transmit\Profiler::profile(function () { usleep(100); }); }';
        $prepend = $this->prepend("'max_per_minute' => 7, 'profiler' => 'none'", $code);
        $temp = "$this->folder-temp";
        mkdir($temp, 01777);
        chmod($temp, 01777);
        if ($taken !== '') {
            $this->take("$temp/.transmit-" . sprintf($taken, hash('crc32b', "$this->folder/none"), posix_geteuid()));
        }
        while (time() % 60 > 50) {
            sleep(1); // all in one minute
        }
        $walls = $walls === '' ? '' : '-d open_basedir=' . sprintf($walls, $this->folder, dirname(__DIR__, 2));
        $one = "TMPDIR=$temp php $walls -d auto_prepend_file=$prepend $this->folder/page.php &";
        $first = $taken === '' ? '' : rtrim($one, '&') . ';'; // where the name is taken, two may make two at once
        $ran = Program::run("($first $one $one $one $one wait)");
        Scratch::remove($temp);
        self::assertCount(7, $this->buffered(), implode($ran));
    }

    private function take(string $path): void
    {
        if (posix_geteuid() !== 0) {
            self::markTestSkipped('needs root');
        }
        substr($path, -1) === '/' ? mkdir($path) : touch($path);
        chown($path, 42903);
    }

    /** @return array<string, array{string}> php.ini, for hosts that disable what the profiler would like to call */
    public function disabled(): array
    {
        $functions = 'tideways_xhprof_enable tideways_xhprof_disable getrusage getmypid gethostname set_error_handler'
            . ' restore_error_handler register_shutdown_function ini_set set_time_limit error_log php_uname';
        $disabled = ['all' => ['disable_functions=' . strtr($functions, ' ', ',')], 'excimer' =>
            ['disable_classes=ExcimerProfiler']];
        foreach (explode(' ', $functions) as $function) {
            $disabled[$function] = ["disable_functions=$function"];
        }
        return $disabled;
    }

    /** @dataProvider disabled */
    public function testDisabledFunctionsAreNoErrorOfThePage(string $ini): void
    {
        self::assertSame('page', $this->profile('', 'echo "page";', '', "-d display_errors=1 -d $ini"));
        self::assertCount(1, $this->buffered());
        // getrusage() counts the time of all threads.
        $isTold = !PHP_ZTS && strpos($ini, 'getrusage') === false;
        self::assertSame($isTold, isset(json_decode($this->buffered()[0], true)['cpu_ms']));
    }

    public function testWhatTellsProfilesApart(): void
    {
        $trace = '0af7651916cd43dd8448eb211c80319c';
        $this->profile(
            "'url_query' => ['page', 'q']",
            'fatal();',
            "'REQUEST_URI=/p?token=x&page=2&q[a]=1' HTTP_TRACEPARENT=00-$trace-b7ad6b7169203331-01"
        );
        $sent = json_decode($this->buffered()[0], true);
        self::assertSame('/p?page=2&q%5Ba%5D=1', $sent['url']);
        self::assertSame([$trace, 'b7ad6b7169203331'], [$sent['trace_id'], $sent['span_id']]);
        self::assertSame([gethostname(), 'cli', 255], [$sent['host'], $sent['sapi'], $sent['exit_code']]);
        self::assertSame("$this->folder/page.php", $sent['script']);
        self::assertEqualsWithDelta(microtime(true), $sent['started_at'], 60);
    }

    /** @return array<string, array{string}> */
    public function traces(): array
    {
        $good = '0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331';
        return [
            'version ff' => ["ff-$good-01"],
            'upper case' => ['00-' . strtoupper($good) . '-01'],
            'all zeros' => ['00-' . str_repeat('0', 32) . '-b7ad6b7169203331-01'],
            'short' => ['00-' . substr($good, 1) . '-01'],
            'more at the end' => ["00-$good-01x"],
        ];
    }

    /** @dataProvider traces */
    public function testWhatIsNoTraceIsLeftOut(string $header): void
    {
        $this->profile('', '', "HTTP_TRACEPARENT=$header");
        self::assertArrayNotHasKey('trace_id', json_decode($this->buffered()[0], true));
    }

    public function testTheApplicationAddsToItsProfile(): void
    {
        $this->profile('', 'Transmit\Profiler::name("order.show"); Transmit\Profiler::add("cache", ["key" => "a"]);
            Transmit\Profiler::add("xhprof", ["mine"]); Transmit\Profiler::query("select 1", 2.5);
            Transmit\Profiler::query(null, "x"); Transmit\Profiler::add([], 1); Transmit\Profiler::name(null);
            for ($i = 0; $i < 5000; $i++) { Transmit\Profiler::query("select $i", $i === 17 ? 9 : 0.1); }');
        $sent = json_decode($this->buffered()[0], true);
        self::assertSame(['order.show', [['key' => 'a']]], [$sent['name'], $sent['cache']]);
        self::assertArrayHasKey('profiling', $sent['xhprof']);
        self::assertSame(5001, $sent['sql']['count']);
        $times = array_column($sent['sql']['queries'], 'time_ms');
        self::assertSame([2.5, 9], array_values(array_diff($times, [0.1])));
        self::assertLessThanOrEqual(2000, count($times));
    }

    /** The profile ends after the application's shutdown functions, also after those that they register. */
    public function testShutdownFunctionsAreMeasured(): void
    {
        $this->profile('', 'function after($n) { Transmit\Profiler::name("after $n"); if ($n < 12) {
            register_shutdown_function("after", $n + 1); } } register_shutdown_function("after", 0);');
        self::assertSame('after 12', json_decode($this->buffered()[0], true)['name']);
    }

    public function testPdoStatementsReportThemselves(): void
    {
        if (!in_array('sqlite', class_exists(\PDO::class) ? \PDO::getAvailableDrivers() : [], true)) {
            self::markTestSkipped('pdo_sqlite is needed');
        }
        $output = $this->profile('', 'require "' . self::php('autoload.php') . '"; $pdo = new PDO("sqlite::memory:");
            $pdo->setAttribute(PDO::ATTR_STATEMENT_CLASS, [Transmit\Pdo\Statement::class]);
            $s = $pdo->prepare("select ? + 1"); $s->execute([41]); echo $s->fetchColumn();');
        self::assertSame('42', $output);
        self::assertSame('select ? + 1', json_decode($this->buffered()[0], true)['sql']['queries'][0]['sql']);
    }

    public function testOneProfilePerJob(): void
    {
        $output = $this->profile('', 'use Transmit\Profiler; for ($i = 0; $i < 3; $i++) {
            echo Profiler::profile(function () use ($i) {
            Profiler::add("job", ["n" => $i]); usleep(2000); return $i; });
            }
            try { Profiler::profile(function () { throw new Exception("mine"); }); } catch (Exception $e) { echo "E"; }
            Profiler::start(); Profiler::discard(); Profiler::stop(); Profiler::query("none", 1);');
        self::assertSame('012E', $output);
        $jobs = [];
        foreach ($this->buffered() as $json) {
            $sent = json_decode($json, true);
            $jobs[] = (string) ($sent['job'][0]['n'] ?? 'none');
            self::assertLessThan(2000, $sent['elapsed_ms']);
        }
        self::assertEqualsCanonicalizing(['0', '1', '2', 'none'], $jobs);
    }

    public function testAForkedChildDoesNotSendItsParentsProfile(): void
    {
        if (!function_exists('pcntl_fork')) {
            self::markTestSkipped('pcntl is needed');
        }
        $this->profile('', 'if (pcntl_fork() === 0) { exit; } pcntl_wait($s);
            if (pcntl_fork() === 0) { Transmit\Profiler::profile(function () { usleep(100); }, "of the child"); exit; }
            pcntl_wait($s); usleep(20000);');
        $sent = array_map('json_decode', $this->buffered());
        self::assertCount(2, $sent);
        self::assertSame(['of the child'], array_values(array_filter(array_column($sent, 'name'))));
    }

    private function profile(string $settings, string $page, string $environment = '', string $more = ''): string
    {
        $prepend = $this->prepend($settings, $page);
        $options = '-d variables_order=EGPCS -d display_errors=0';
        $command = "php $options $more -d auto_prepend_file=$prepend $this->folder/page.php";
        return Program::run("env $environment $command")['output'];
    }

    private function prepend(string $settings, string $page): string
    {
        $config = "['listener_socket' => '$this->folder/none', 'buffer_dirs' => ['$this->buffer'], 'library' => ''";
        file_put_contents("$this->folder/page.php", "<?php\n$page\n");
        $function = "function get_profiling_config() { return $config, $settings]; }";
        file_put_contents("$this->folder/pre.php", "<?php $function"
            . ' require "' . self::php('auto_prepend.php') . '";');
        return "$this->folder/pre.php";
    }

    private static function php(string $file): string
    {
        return dirname(__DIR__, 2) . "/php/$file";
    }
}
