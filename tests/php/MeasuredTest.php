<?php

namespace Transmit\Test;

/**
 * Each extension that is loaded measures programs whose calls and times are known.
 */
final class MeasuredTest extends TransmitTestCase
{
    /** For tens of thousands of pairs, which are not summed up in 25 ms. */
    private const ENOUGH_TIME = "'timeout_us' => 60000000";

    private const PROGRAM = <<<'PHP'
        function own() { usleep(1000); }
        function even($n) { usleep(500); return $n === 0 ? true : odd($n - 1); }
        function odd($n) { usleep(500); return $n === 0 ? false : even($n - 1); }
        function deep($n) { usleep(200); if ($n > 0) { deep($n - 1); } }
        function thrower() { throw new Exception(); }
        function generator() { for ($i = 0; $i < 3; $i++) { usleep(200); yield $i; } }
        function compare($a, $b) { return $a <=> $b; }
        function each_one($x) { return $x; }
        final class Magic {
            public function __call($name, $arguments) { usleep(200); }
            public static function __callStatic($name, $arguments) { usleep(200); }
            public function __destruct() { usleep(200); }
        }
        own(); own();
        even(9);
        deep(4);
        foreach ([1, 2] as $i) { try { thrower(); } catch (Exception $e) { } }
        foreach (generator() as $x) { }
        array_map('each_one', [1, 2, 3]);
        $list = [2, 1]; usort($list, 'compare');
        $magic = new Magic(); $magic->any(); Magic::any(); unset($magic);
        if (class_exists('Fiber')) { eval('$f = new Fiber(function () { own(); Fiber::suspend(); own(); });
            $f->start(); $f->resume();'); } else { own(); own(); }
        PHP;

    /** @return array<string, array{string}> */
    public function extensions(): array
    {
        $extensions = ['tideways_xhprof' => ['tideways_xhprof']];
        // Debian has no package of xhprof.
        return $extensions + (extension_loaded('xhprof') ? ['xhprof' => ['xhprof']] : []);
    }

    /** @dataProvider extensions */
    public function testCallsAndTimes(string $extension): void
    {
        $sent = $this->measure($extension, self::PROGRAM);
        $rows = array_column($sent['xhprof']['profiling']['top_functions'], null, 'function');
        $want = ['main()' => 1, 'own' => 4, 'even' => 5, 'odd' => 5, 'deep' => 5, 'thrower' => 2, 'each_one' => 3,
            'usort' => 1, 'array_map' => 1, 'compare' => 1, 'Magic::__call' => 1, 'Magic::__callStatic' => 1,
            'Magic::__destruct' => 1, 'usleep' => 4 + 10 + 5 + 3 + 3];
        foreach ($want as $function => $calls) {
            self::assertSame($calls, $rows[$function]['calls'] ?? null, $function);
        }
        self::assertSame($sent['elapsed_ms'], $rows['main()']['wall_ms']);
        self::assertGreaterThanOrEqual(5, $rows['even']['wall_ms']);
        self::assertGreaterThanOrEqual(1, $rows['deep']['wall_ms']);
        self::assertLessThanOrEqual($sent['elapsed_ms'], array_sum(array_column($rows, 'exclusive_wall_ms')));
        foreach ($rows as $function => $row) {
            self::assertLessThanOrEqual($sent['elapsed_ms'], $row['wall_ms'], $function);
            self::assertLessThanOrEqual($row['wall_ms'], $row['exclusive_wall_ms'], $function);
            self::assertStringNotContainsString('Transmit\\', $function);
        }
        $ours = ['tideways_xhprof_enable', 'tideways_xhprof_disable', 'call_user_func', 'restore_error_handler'];
        self::assertSame([], array_intersect($ours, array_keys($rows)));
    }

    /** @dataProvider extensions */
    public function testTheCallGraphIsCutBeforeTheFunctions(string $extension): void
    {
        $code = 'for ($i = 0; $i < 300; $i++) { eval("function f$i() { usleep(1); }"); ("f$i")(); } usleep(2000);';
        $whole = $this->measure($extension, $code, "'call_graph' => true");
        $graph = $whole['xhprof']['profiling']['call_graph'];
        self::assertGreaterThan(600, count($graph));
        self::assertEqualsWithDelta($whole['elapsed_ms'] * 1000, $graph['main()']['wt'], 1);
        self::assertArrayNotHasKey('call_graph_truncated', $whole['_meta']);

        $cut = $this->measure($extension, $code, "'call_graph' => true, 'max_datagram_size' => 30000");
        self::assertTrue($cut['_meta']['call_graph_truncated']);
        self::assertArrayNotHasKey('truncated', $cut['_meta']);
        self::assertArrayHasKey('main()', $cut['xhprof']['profiling']['call_graph']);
        self::assertLessThan(count($graph), count($cut['xhprof']['profiling']['call_graph']));
        self::assertCount(200, $cut['xhprof']['profiling']['top_functions']);
    }

    public function testALargeCallGraphIsSummedUpUnderASmallLimit(): void
    {
        $code = 'ini_set("memory_limit", "96M"); ' . self::calls(20000);
        $sent = $this->measure('tideways_xhprof', $code, self::ENOUGH_TIME);
        self::assertCount(200, $sent['xhprof']['profiling']['top_functions']);
    }

    /** @return array<string, array{int, int, int, bool}> the limit, what is free of it, the pairs; whether there is room */
    public function limits(): array
    {
        return [
            'for no pair' => [96, 17, 500, false],
            'less than the pairs need' => [96, 20, 32500, false],
            'for the pairs, but not for the sums' => [192, 98, 120000, false],
            'enough' => [196, 98, 32500, true],
            'as much as a small application needs' => [32, 31, 500, true],
        ];
    }

    /**
     * Where memory_limit cannot be raised, the request ends as without the profiler.
     *
     * @dataProvider limits
     */
    public function testTheMeasurementsStayUnderTheLimit(int $limit, int $free, int $pairs, bool $isRoom): void
    {
        $code = self::calls($pairs) . "\$i = 0; while (($limit << 20) - memory_get_usage(true) > ($free << 20)) {
            \$a[\$i++] = str_repeat('x', 4000); }
            class Last { public function __destruct() { touch(__DIR__ . '/destructed'); } } \$last = new Last();";
        $ini = "-d memory_limit={$limit}M -d disable_functions=ini_set";
        $sent = $this->measure('tideways_xhprof', $code, self::ENOUGH_TIME . ", 'call_graph' => true", $ini);
        self::assertFileExists("$this->folder/destructed");
        self::assertSame(!$isRoom, $sent['_meta']['functions_dropped'] ?? false);
        self::assertSame($isRoom, isset($sent['xhprof']['profiling']['call_graph']));
    }

    public function testWhereTheTimeIsNotEnoughOnlyMainIsSent(): void
    {
        $code = self::calls(20000);
        foreach (["'timeout_us' => 20000", "'timeout_us' => 20000, 'call_graph' => true"] as $settings) {
            $sent = $this->measure('tideways_xhprof', $code, $settings);
            self::assertTrue($sent['_meta']['functions_dropped']);
            $profiling = $sent['xhprof']['profiling'];
            self::assertSame(['top_functions'], array_keys($profiling));
            self::assertSame(['main()'], array_column($profiling['top_functions'], 'function'));
            self::assertSame($sent['elapsed_ms'], $profiling['top_functions'][0]['wall_ms']);
        }
        $sent = $this->measure('tideways_xhprof', 'usleep(1000);', "'timeout_us' => 20000");
        self::assertArrayNotHasKey('functions_dropped', $sent['_meta']);
    }

    /** Also if the measurements take more memory at the end than the application has used. */
    public function testThePeakOfMemoryIsThatOfTheApplication(): void
    {
        $code = self::calls(20000) . 'register_shutdown_function(function () {
                file_put_contents(__DIR__ . "/peak", memory_get_peak_usage(true)); });';
        foreach (['tideways_xhprof', 'excimer'] as $extension) {
            $sent = $this->measure($extension, $code);
            $peak = (int) file_get_contents("$this->folder/peak");
            self::assertGreaterThanOrEqual($peak, $sent['peak_memory_bytes']);
            self::assertLessThanOrEqual($peak + (2 << 20), $sent['peak_memory_bytes'], $extension);
        }
    }

    public function testSamples(): void
    {
        $code = 'function busy($ms) { $end = hrtime(true) + $ms * 1e6; while (hrtime(true) < $end) { } }
            function most() { busy(90); } 
            function again($n) { if ($n > 0) { again($n - 1); } else { busy(40); } }
            most(); again(150);';
        $sent = $this->measure('excimer', $code, "'stacks' => true, 'sample_interval_ms' => 1");
        $profiling = $sent['xhprof']['profiling'];
        $rows = array_column($profiling['top_functions'], null, 'function');
        self::assertSame('main()', $profiling['top_functions'][0]['function']);
        self::assertSame($sent['elapsed_ms'], $rows['main()']['wall_ms']);
        self::assertGreaterThan($rows['again']['samples'], $rows['most']['samples']);
        self::assertGreaterThan(45, $rows['most']['wall_ms']);
        self::assertLessThanOrEqual($rows['main()']['samples'], $rows['again']['samples']); // once for each sample
        foreach ($rows as $function => $row) {
            self::assertLessThanOrEqual($sent['elapsed_ms'], $row['wall_ms'], $function);
            self::assertStringNotContainsString('Transmit\\', $function);
        }
        self::assertMatchesRegularExpression('/^[^;]*page\.php;most;busy \d+$/m', $profiling['stacks']);
        self::assertStringNotContainsString('Transmit\\', $profiling['stacks']);
        preg_match_all('/ (\d+)$/m', $profiling['stacks'], $samples);
        self::assertEqualsWithDelta($rows['main()']['samples'], array_sum($samples[1]), 3);

        $sent = $this->measure('excimer', $code, "'stacks' => true, 'max_datagram_size' => 1800");
        self::assertTrue($sent['_meta']['stacks_dropped']);
        self::assertArrayNotHasKey('stacks', $sent['xhprof']['profiling']);
    }

    /** Makes about so many pairs of caller and callee: each of n functions calls each of n others. */
    private static function calls(int $pairs): string
    {
        $n = (int) ceil(sqrt($pairs));
        return "\$c = ''; for (\$i = 0; \$i < $n; \$i++) {
                \$c .= \"function called_by_test_\$i() {} \"
                . \"function caller_in_test_\$i(\\\$n) { while (\\\$n > 0) { ('called_by_test_' . --\\\$n)(); } } \"; }
            eval(\$c); unset(\$c); for (\$i = 0; \$i < $n; \$i++) { ('caller_in_test_' . \$i)($n); } ";
    }

    private function measure(string $extension, string $code, string $settings = '', string $ini = ''): array
    {
        if (!extension_loaded($extension)) {
            self::markTestSkipped("the extension $extension is needed");
        }
        foreach (glob("$this->buffer/profile_*") as $old) {
            unlink($old);
        }
        $config = "['profiler' => '$extension', 'listener_socket' => '$this->folder/none', 'library' => '',
            'buffer_dirs' => ['$this->buffer'], $settings]";
        file_put_contents("$this->folder/page.php", "<?php\n$code\n");
        $prepend = dirname(__DIR__, 2) . '/php/auto_prepend.php';
        file_put_contents("$this->folder/pre.php", "<?php function get_profiling_config() { return $config; }
            require '$prepend';");
        $options = "-d display_errors=1 $ini -d auto_prepend_file=$this->folder/pre.php";
        $ran = Program::run("php $options $this->folder/page.php");
        self::assertSame(['', 0], [$ran['output'], $ran['status']], $ran['errors']);
        return json_decode($this->buffered()[0], true);
    }
}
