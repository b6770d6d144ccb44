<?php

namespace Transmit\Test;

/**
 * Two sites of one user that one worker of php-fpm serves, one after the other, with the README's recipe.
 */
final class SitesTest extends FpmTestCase
{
    /** On a busy machine that takes more than one call's time. */
    private const START = 'get_transmit_stats();
        for ($i = 0; $i < 500 && Transmit\Native::configure(Transmit\Settings::current()) !== 0; $i++) {
            usleep(20000);
        }';

    protected function setUp(): void
    {
        parent::setUp();
        $this->useFace('native');
        $this->makeShared('one', 'other', 'temp');
        $php = dirname(__DIR__, 2) . '/php';
        $library = getenv('TRANSMIT_LIBRARY') ?: dirname(__DIR__, 2) . '/build/libtransmit.so';
        $header = (string) file_get_contents(dirname(__DIR__, 2) . '/include/transmit_ffi.h');
        file_put_contents("$this->folder/ffi.h", str_replace('libtransmit.so.1', $library, $header));
        $this->fpm = new Fpm($this->folder, [
            'zend_extension=opcache', 'extension=posix', 'extension=ffi', 'opcache.preload_user=nobody',
            "opcache.preload=$php/preload.php", "ffi.preload=$this->folder/ffi.h", 'ffi.enable=preload',
            "sys_temp_dir=$this->folder/temp",
        ]);
    }

    /** The answer of a page of that site, which has no listener and a long timeout. */
    private function visit(string $site, string $code, array $more = []): string
    {
        $folder = "$this->folder/$site";
        $config = ['listener_socket' => "$folder/secret-$site", 'buffer_dirs' => ["$folder/b"]];
        $config = $more + $config + ['timeout_us' => 5000000];
        $settings = 'function get_profiling_config(): array { return ' . var_export($config, true) . '; }';
        file_put_contents("$folder/page.php", "<?php $settings $code");
        return $this->fpm->get("$folder/page.php");
    }

    /** @return array<string, array{string, string}> what the one page does; what the other one reads */
    public function errors(): array
    {
        $send = 'send_profiling_data(["a" => 1]);';
        $methods = 'foreach ((new ReflectionClass("Transmit\Preloaded\Scope"))->getMethods() as $m) {'
            . ' $m->setAccessible(true); try { $m->invoke(null, -5); } catch (Throwable $e) { } }';
        return [
            'buffered' => [$send, ''],
            'buffered; the library is bound' => [$send, 'get_transmit_stats();'],
            'buffered; each method is called' => [$send, $methods],
            'lost' => ['exec("touch " . __DIR__ . "/b");' . $send, ''],
            'replay' => ['write_to_disk_buffer("{}"); replay_disk_buffer(0, 5000000);', ''],
        ];
    }

    /** @dataProvider errors */
    public function testAPageDoesNotReadTheErrorOfAnothersRequest(string $before, string $meanwhile): void
    {
        $read = 'echo "[", Transmit\Preloaded\Scope::lastError(), "]";';
        $this->visit('other', self::START);
        self::assertStringContainsString('secret-other', $this->visit('other', $before . $read));
        self::assertStringNotContainsString('other', $this->visit('one', $meanwhile . $read));
    }

    /** The library keeps a setting that is left out. */
    public function testAPageDoesNotUseTheSettingsOfAnother(): void
    {
        $this->visit('other', self::START);
        $this->visit('other', 'write_to_disk_buffer("{}"); send_profiling_data(["a" => 1]);');
        foreach (['{"buffer_dirs":[%s]}', '{"listener_socket":"/nowhere/s"}', '{}'] as $settings) {
            $settings = var_export(sprintf($settings, json_encode("$this->folder/one/b")), true);
            $said = $this->visit('one', 'use Transmit\Preloaded\Scope; mkdir(__DIR__ . "/b");'
                . " echo json_encode([Scope::send('{\"mine\":1}', 2, null, 1000000, $settings) << 32 < 0,"
                . " Scope::lastError(), Scope::replay(9, 1000000, $settings), Scope::lastError()]);");
            self::assertStringContainsString('[true,', $said);
            self::assertStringNotContainsString('secret-other', $said);
        }
    }

    /** @dataProvider faces */
    public function testASiteDoesNotSilenceTheLogOfAnother(string $face): void
    {
        $more = $face === 'plain' ? ['library' => ''] : [];
        $face === 'plain' || $this->visit('other', self::START);
        $send = 'ini_set("error_log", __DIR__ . "/log"); send_profiling_data(["a" => 1]); Transmit\Log::write(%s'
            . ', "this", Transmit\Settings::current());';
        foreach (['one' => 'one', 'other' => 'other', 'one again' => 'one'] as $site) {
            foreach (['1', '-41', '-42'] as $result) {
                $this->visit($site, sprintf($send, $result), $more);
            }
        }
        foreach (['one', 'other'] as $site) {
            $lines = file("$this->folder/$site/log");
            self::assertCount(3, $lines, implode($lines)); // of each result one; the profiles were buffered: 1
            self::assertStringContainsString("secret-$site", $lines[0]);
        }
    }
}
