<?php

namespace Transmit\Test;

/**
 * php-fpm with the README's recipe, disable_functions and open_basedir, and a page that wants native code.
 */
final class PreloadAttackTest extends FpmTestCase
{
    private const DISABLED = 'exec,shell_exec,system,passthru,popen,proc_open,pcntl_exec,dl,mail,putenv';

    protected function setUp(): void
    {
        parent::setUp();
        $this->useFace('native');
        mkdir("$this->folder/site");
        chmod("$this->folder/site", 0777);
        mkdir("$this->folder/site/b");
        chmod("$this->folder/site/b", 01777);
        mkdir("$this->folder/outside");
        if (posix_geteuid() === 0) {
            chown("$this->folder/outside", 'nobody');
        }
    }

    /** @return array<string, array{bool}> whether open_basedir lets the page include our files */
    public function walls(): array
    {
        return ['our files are outside' => [false], 'our files may be included' => [true]];
    }

    /** @dataProvider walls */
    public function testAPageGetsNoFfiObjectAndLoadsNothing(bool $isOpen): void
    {
        $site = "$this->folder/site";
        $this->writePage($site);
        $this->start($isOpen);

        foreach (['aliases', 'page', 'page'] as $name) {
            $page = $this->fpm->get("$site/$name.php");
            for ($try = 0; $try < 200 && !file_exists("$site/end"); $try++) {
                usleep(50000);
            }
            self::assertFileExists("$site/end", $page . $this->fpm->log());
            self::assertSame('', file_exists("$site/found") ? file_get_contents("$site/found") : '');
            self::assertSame([], glob("$this->folder/outside/*"), 'outside open_basedir');
            unlink("$site/end");
        }
        $loaded = Program::run('cat /proc/[0-9]*/maps')['output'];
        self::assertGreaterThan(0, substr_count($loaded, 'libtransmit.so'));
        self::assertSame(0, substr_count($loaded, "$site/"), 'a library of the page\'s was loaded');
    }

    public function testNothingOfAPagesClassIsFreedInAPreloadedFunction(): void
    {
        $site = "$this->folder/site";
        $this->writePage($site);
        copy(__DIR__ . '/pages/own_functions.php', "$site/page.php");
        $this->start(true);
        $page = $this->fpm->get("$site/page.php");
        self::assertStringContainsString("\nfreed elsewhere: ", $page, $this->fpm->log());
        self::assertStringNotContainsString('freed in', $page);
    }

    private function start(bool $isOpen): void
    {
        $site = "$this->folder/site";
        $php = dirname(__DIR__, 2) . '/php';
        $this->fpm = new Fpm($this->folder, [
            'zend_extension=opcache', 'extension=posix', 'extension=ffi', 'opcache.preload_user=nobody',
            extension_loaded('excimer') ? 'extension=excimer' : 'html_errors=0',
            "opcache.preload=$php/preload.php", "ffi.preload=$this->folder/ffi.h", 'ffi.enable=preload',
            'disable_functions=' . self::DISABLED, "open_basedir=$site" . ($isOpen ? ":$php" : ":$php/config.php"),
        ], "php_admin_value[error_log]=$site/log\nphp_admin_value[disable_functions]=var_export");
    }

    private function writePage(string $site): void
    {
        $library = getenv('TRANSMIT_LIBRARY') ?: dirname(__DIR__, 2) . '/build/libtransmit.so';
        $header = (string) file_get_contents(dirname(__DIR__, 2) . '/include/transmit_ffi.h');
        file_put_contents("$this->folder/ffi.h", str_replace('libtransmit.so.1', $library, $header));
        // Any library will do: whether it is loaded is seen in /proc.
        copy($library, "$site/evil.so");
        $header = (string) preg_replace('/^#define FFI_SCOPE.*\n/m', '', $header);
        $evil = str_replace('libtransmit.so.1', "$site/evil.so", $header);
        foreach (['Transmit\Cdef\Library', 'Transmit\Library', 'Transmit\Elsewhere', 'transmit_ffi.h'] as $name) {
            file_put_contents("$site/$name", $evil);
        }
        $config = ['listener_socket' => "$site/s", 'buffer_dirs' => ["$site/b"], 'library' => "$site/evil.so"];
        $source = var_export(dirname(__DIR__, 2) . '/php', true);
        copy(__DIR__ . '/pages/hostile.php', "$site/hostile.php");
        $settings = 'function get_profiling_config(): array { return ' . var_export($config, true) . '; }';
        $source = "<?php\ndefine('SOURCE', $source);\n$settings\nrequire __DIR__ . '/hostile.php';\n";
        file_put_contents("$site/page.php", $source);
        file_put_contents("$site/aliases.php", str_replace('<?php', "<?php\nconst ALIASES = true;", $source));
    }
}
