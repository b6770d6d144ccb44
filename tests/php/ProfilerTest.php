<?php

namespace Transmit\Test;

/**
 * auto_prepend.php in the command line: the page, its exit code and its errors stay what they are.
 */
final class ProfilerTest extends TransmitTestCase
{
    /** @return array<string, array{string, string, int}> the page, its output, its exit code */
    public function pages(): array
    {
        $last = 'class Last { public static $it; public function __destruct() { echo "z"; } } Last::$it = new Last();';
        return [
            'plain' => ['echo "page";', 'page', 0],
            'exit' => ['echo "page"; exit(3);', 'page', 3],
            'shutdown functions' => [
                'register_shutdown_function(function () {
                    echo "a";
                    register_shutdown_function(function () { echo "b"; });
                });', 'ab', 0,
            ],
            'exit in a shutdown function' => [
                'register_shutdown_function(function () { echo "a"; exit(4); });', 'a', 4,
            ],
            'destructors' => ["$last \$last = new Last();", 'zz', 0],
            'exception' => ['throw new Exception("mine");', '', 255],
            'fatal error' => ['nothing();', '', 255],
            'out of memory' => ['ini_set("memory_limit", "8M"); for (;;) { $a[] = str_repeat("x", 1000); }', '', 255],
            'output buffer' => ['ob_start(function ($page) { return strrev($page); }); echo "page";', 'egap', 0],
            'an error handler that throws' => [
                'set_error_handler(function ($l, $m) { throw new Exception($m); }); echo "page";', 'page', 0,
            ],
        ];
    }

    /** @dataProvider pages */
    public function testThePageIsNotChanged(string $page, string $wantOutput, int $wantStatus): void
    {
        $program = Program::write($this->folder, [$this->buffer], "/* auto_prepend */ $page");
        $ran = Program::run($this->command($program));
        self::assertSame($wantOutput, $ran['output']);
        self::assertSame($wantStatus, $ran['status']);
        self::assertCount(1, $this->buffered());
    }

    public function testWhatIsSent(): void
    {
        if (!extension_loaded('tideways_xhprof') && !extension_loaded('xhprof')) {
            self::markTestSkipped('neither tideways_xhprof nor xhprof is there');
        }
        $program = Program::write($this->folder, [$this->buffer], '/* auto_prepend */
            function slow() { usleep(3000); }
            for ($i = 0; $i < 3; $i++) { slow(); }');
        Program::run('REQUEST_URI="/shop?token=secret" REQUEST_METHOD=GET HTTP_X_REQUEST_ID=id-1 '
            . $this->command($program, '-d variables_order=EGPCS -d transmit.correlation_id_header=X-Request-Id'));

        $sent = json_decode($this->buffered()[0], true);
        self::assertSame(['id-1', '/shop', 'GET'], [$sent['correlation_id'], $sent['url'], $sent['method']]);
        self::assertGreaterThanOrEqual(9, $sent['elapsed_ms']);
        self::assertGreaterThan(0, $sent['peak_memory_bytes']);
        $functions = array_column($sent['xhprof']['profiling']['top_functions'], null, 'function');
        self::assertSame(['main()', 'usleep'], array_slice(array_keys($functions), 0, 2));
        self::assertSame(3, $functions['slow']['calls']);
        self::assertGreaterThanOrEqual(9, $functions['slow']['wall_ms']);
        self::assertLessThan(3, $functions['slow']['exclusive_wall_ms']);
        self::assertSame('1.0', $sent['_meta']['transmitter_version']);
    }

    /** @return array<string, array{string, int}> */
    public function thresholds(): array
    {
        return ['none' => ['', 1], 'reached' => ['1', 1], 'not reached' => ['60000', 0]];
    }

    /** @dataProvider thresholds */
    public function testSlowOnly(string $threshold, int $want): void
    {
        $program = Program::write($this->folder, [$this->buffer], '/* auto_prepend */ usleep(2000);');
        Program::run("PROFILER_SLOW_MS=$threshold " . $this->command($program));
        self::assertCount($want, $this->buffered());
    }

    /** @return array<string, array{string, string, int, bool}> what is added, to which list, rows in it, rows_dropped */
    public function lists(): array
    {
        $add = '\Transmit\Profiler::add';
        return [
            'a row' => ["$add('rows', [1]);", 'rows', 1, false],
            '1000 rows' => ["for (\$i = 0; \$i < 1000; \$i++) { $add('rows', [\$i]); }", 'rows', 1000, false],
            '1001 rows' => ["for (\$i = 0; \$i < 1001; \$i++) { $add('rows', [\$i]); }", 'rows', 1000, true],
            'sql without a query' => ["$add('sql', [1]);", 'sql', 1, false],
            'sql with a query' => ["$add('sql', [1]); \Transmit\Profiler::query('select 1', 1);", 'rows', 0, true],
            'the name of a field' => ["$add('host', [1]); $add('rows', [1]);", 'rows', 1, true],
            'xhprof' => ["$add('xhprof', [1]);", 'rows', 0, true],
            '_meta' => ["$add('_meta', [1]);", 'rows', 0, true],
        ];
    }

    /** @dataProvider lists */
    public function testADroppedRowIsTold(string $code, string $list, int $wantRows, bool $isDropped): void
    {
        $program = Program::write($this->folder, [$this->buffer], "/* auto_prepend */ $code");
        Program::run($this->command($program));
        $sent = json_decode($this->buffered()[0], true);
        self::assertCount($wantRows, $sent[$list] ?? []);
        self::assertSame($isDropped, $sent['_meta']['rows_dropped'] ?? false);
    }

    private function command(string $program, string $options = ''): string
    {
        $prepend = dirname(__DIR__, 2) . '/php/auto_prepend.php';
        return "php -d display_errors=0 $options -d auto_prepend_file=$prepend $program";
    }
}
