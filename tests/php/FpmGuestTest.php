<?php

namespace Transmit\Test;

/**
 * Pages in php-fpm with and without the profiler, preloaded and not: the same pages, and each profile once.
 */
final class FpmGuestTest extends FpmTestCase
{
    protected function setUp(): void
    {
        parent::setUp();
        $this->buffer = "$this->folder/b";
        $this->makeShared('b', 'sessions');
        $config = var_export(['buffer_dirs' => [$this->buffer], 'library' => '', 'listener_socket' => '/none'], true);
        $prepend = self::php('auto_prepend.php');
        // Where the application declares get_profiling_config() itself, it has the same settings.
        file_put_contents("$this->folder/settings.php", "<?php return $config;");
        file_put_contents("$this->folder/pre.php", "<?php if (!strpos(\$_SERVER['SCRIPT_FILENAME'], 'config')) {
            function get_profiling_config() { return require '$this->folder/settings.php'; } } require '$prepend';");
    }

    /** @return array<string, string> pages, by name */
    private function pages(): array
    {
        $last = 'class Last { public static $it; function __destruct() { echo "last"; %s } }
            $t = new stdClass(); Last::$it = new Last(); $t = null; ';
        $pages = [
            'destructor' => sprintf($last, ''),
            'shutdown' => 'register_shutdown_function(function () { echo "a";
                register_shutdown_function(function () { echo "b"; exit; }); });' . sprintf($last, ''),
            'exit' => sprintf($last, 'exit(1);') . 'echo "page"; exit(3);',
            'fatal' => sprintf($last, '') . 'echo "page"; nothing();',
            'memory' => 'ini_set("memory_limit", "8M"); str_repeat("x", 1 << 30);',
            'buffer' => 'ob_start(function ($b) { return strtoupper($b); }); echo "page";' . sprintf($last, ''),
            'status' => 'http_response_code(404); header("X-Mine: 1"); setcookie("a", "b"); echo "page";',
            'limit' => sprintf($last, 'echo ini_get("memory_limit");'),
            'finished' => 'echo "page"; fastcgi_finish_request(); echo "nobody reads this";',
            // PHP 8.6 gives a session that is not there yet another id, unless it is told not to.
            'session' => 'ini_set("session.save_path", "' . $this->folder . '/sessions");
                ini_set("session.use_strict_mode", "0"); session_id("fixed"); session_start();
                $_SESSION["n"] = ($_SESSION["n"] ?? 0) + 1; echo $_SESSION["n"];',
            'names' => 'echo json_encode([get_defined_functions()["user"] === ["get_profiling_config"]
                || get_defined_functions()["user"] === [], spl_autoload_functions()]);',
        ];
        preg_match_all('/^    function (\w+)\(/m', (string) file_get_contents(self::php('functions.php')), $functions);
        foreach ($functions[1] as $name) {
            $pages["function-$name"] = "function $name() { return 'mine'; } echo $name();";
        }
        $pages['config'] = "function get_profiling_config() { return (require '$this->folder/settings.php'); } echo 1;";
        return $pages;
    }

    /** @return array<string, array{list<string>}> more lines of php.ini */
    public function setups(): array
    {
        $preload = ['zend_extension=opcache', 'opcache.preload_user=nobody'];
        $preload[] = 'opcache.preload=' . self::php('preload.php');
        return ['not preloaded' => [[]], 'preloaded' => [$preload]];
    }

    /** By ini_set, as some applications do. The classes that the end needs are then there as text. */
    public function testAPageThatClosesOurFolderToItself(): void
    {
        $page = 'ini_set("open_basedir", "%s"); register_shutdown_function(function () { echo ini_get("open_basedir"),
            json_encode(error_get_last()); });';
        file_put_contents("$this->folder/page-closed.php", '<?php ' . sprintf($page, $this->folder));
        $this->fpm = new Fpm($this->folder, array_merge($this->setups()['preloaded'][0], [
            'extension=posix', 'display_errors=1', 'html_errors=0', "auto_prepend_file=$this->folder/pre.php",
        ]));
        self::assertSame("$this->folder" . 'null', $this->fpm->get("$this->folder/page-closed.php"));
        self::assertCount(1, $this->buffered(), $this->fpm->log());
        self::assertStringNotContainsString('nothing is measured', $this->fpm->log());
    }

    /**
     * @dataProvider setups
     * @param list<string> $more
     */
    public function testPagesAreAsWithout(array $more): void
    {
        foreach ($this->pages() as $name => $page) {
            file_put_contents("$this->folder/page-$name.php", "<?php\n$page\n");
        }
        $options = ['extension=posix', 'display_errors=1', 'html_errors=0'];
        $without = $this->answers($options);
        array_map('unlink', glob("$this->folder/sessions/*"));
        $with = $this->answers(array_merge($options, $more, ["auto_prepend_file=$this->folder/pre.php"]));
        self::assertSame($without, $with);
        self::assertCount(2 * count($this->pages()), $this->buffered());
    }

    /** The session is on the disk when the response ends, whatever becomes of the profile. */
    public function testTheResponseEndsEarlyOnlyWhenASettingSaysSo(): void
    {
        file_put_contents("$this->folder/settings.php", '<?php return ["finish_request" => false,
            "listener_socket" => "/none", "library" => "", "buffer_dirs" => ["' . $this->buffer . '"]];');
        file_put_contents("$this->folder/page-order.php", '<?php
            ini_set("session.save_path", "' . $this->folder . '/sessions");
            ini_set("session.use_strict_mode", "0"); session_id("order"); session_start();
            $_SESSION["a"] = 1; echo "page ";
            final class Late { public static $it; public function __destruct() {
                echo count(glob("' . $this->buffer . '/*")), (int) ignore_user_abort(), session_status(); } }
            Late::$it = new Late();');
        $this->fpm = new Fpm($this->folder, ['extension=posix', "auto_prepend_file=$this->folder/pre.php"]);
        self::assertSame('page 102', $this->fpm->get("$this->folder/page-order.php"));
        file_put_contents("$this->folder/settings.php", str_replace(
            'false',
            'true',
            file_get_contents("$this->folder/settings.php")
        ));
        self::assertSame('page ', $this->fpm->get("$this->folder/page-order.php"));
        self::assertStringContainsString('a|i:1;', file_get_contents("$this->folder/sessions/sess_order"));
    }

    /** PHP itself opens the prepended file; with preloading, it is all that has to be in reach. */
    public function testWithPreloadingNoOtherFileIsOpened(): void
    {
        mkdir("$this->folder/site");
        copy(self::php('auto_prepend.php'), "$this->folder/site/prepend.php");
        file_put_contents("$this->folder/site/page.php", '<?php function get_profiling_config() {
            return ["library" => "", "listener_socket" => "/none", "buffer_dirs" => ["' . $this->buffer . '"]]; }
            echo "page", json_encode(error_get_last());');
        $options = array_merge(['extension=posix', "auto_prepend_file=$this->folder/site/prepend.php"]);
        $options[] = "open_basedir=$this->folder/site:$this->buffer";
        $this->fpm = new Fpm($this->folder, array_merge($options, $this->setups()['preloaded'][0]));
        self::assertSame('pagenull', $this->fpm->get("$this->folder/site/page.php"));
        self::assertCount(1, $this->buffered());
        $this->stop();
        $this->fpm = new Fpm($this->folder, $options);
        self::assertSame('pagenull', $this->fpm->get("$this->folder/site/page.php"));
        self::assertCount(1, $this->buffered());
        for ($try = 0; $try < 100 && strpos($this->fpm->log(), 'nothing is measured') === false; $try++) {
            usleep(20000); // php-fpm's master writes what its worker says
        }
        self::assertStringContainsString('nothing is measured', $this->fpm->log());
    }

    /**
     * @param list<string> $options
     * @return array<string, string>
     */
    private function answers(array $options): array
    {
        $this->fpm = new Fpm($this->folder, $options);
        $answers = [];
        foreach (array_keys($this->pages()) as $name) {
            $answers[$name] = $this->fpm->get("$this->folder/page-$name.php")
                . $this->fpm->get("$this->folder/page-$name.php");
        }
        $this->stop();
        return $answers;
    }

    private static function php(string $file): string
    {
        return rtrim(dirname(__DIR__, 2) . "/php/$file", '/');
    }
}
