<?php

namespace Transmit\Test;

/**
 * php-fpm with and without preloading, with auto_prepend_file. The application requires a copy of transmitter.php that
 * came with one of its packages, and transmitter.php itself.
 */
final class FpmTest extends FpmTestCase
{
    private const PAGE = <<<'PHP'
        <?php
        function get_profiling_config(): array { return %s; }
        require_once '%s/transmitter.php';
        require '%s/transmitter.php';
        $check = check_listener_socket();
        echo $check['mode'], ' ', var_export(send_profiling_data(['from' => 'application']), true);
        register_shutdown_function(static function () {
            echo ' shutdown';
        });
        PHP;

    protected function setUp(): void
    {
        parent::setUp();
        $this->makeShared('b');
        $this->buffer = "$this->folder/b";
    }

    /** @return array<string, array{bool, list<string>, string}> needs the library, php.ini, mode */
    public function setups(): array
    {
        $preload = 'opcache.preload=' . self::php('preload.php');
        $opcache = ['zend_extension=opcache', 'extension=posix', $preload, 'opcache.preload_user=nobody'];
        return [
            'nothing' => [false, ['extension=posix'], 'plain'],
            'preloaded, no FFI' => [false, $opcache, 'plain'],
            'FFI restricted' => [false, ['extension=posix', 'extension=ffi'], 'plain'],
            'FFI allowed' => [true, ['extension=posix', 'extension=ffi', 'ffi.enable=true'], 'native'],
            'the recipe' => [true, array_merge($opcache, ['extension=ffi', 'ffi.preload=%s']), 'native'],
        ];
    }

    /**
     * @dataProvider setups
     * @param list<string> $options
     */
    public function testTheApplicationsAndTheProfilersProfilesArrive(bool $native, array $options, string $mode): void
    {
        if ($native) {
            $this->useFace('native');
        }
        $listener = new Listener($this->socket);
        chmod($this->socket, 0777);
        $header = $this->ffiHeader();
        $options = array_map(static function (string $option) use ($header): string {
            return sprintf($option, $header);
        }, $options);
        $options[] = 'auto_prepend_file=' . self::php('auto_prepend.php');
        $this->fpm = new Fpm($this->folder, $options);
        $page = $this->page();
        for ($request = 0; $request < 3; $request++) {
            self::assertSame("$mode true shutdown", $this->fpm->get($page));
            self::assertStringStartsWith('{"from":"application",', $listener->receive());
            self::assertStringContainsString('"url":"/page","method":"GET","status":200', $listener->receive());
        }
        self::assertStringNotContainsString('PHP', $this->fpm->log());
    }

    private function page(): string
    {
        $config = ['listener_socket' => $this->socket, 'buffer_dirs' => [$this->buffer], 'library' => self::library()];
        $page = sprintf(self::PAGE, var_export($config, true), $this->secondCopy(), self::php(''));
        file_put_contents("$this->folder/page.php", $page);
        return "$this->folder/page.php";
    }

    /** With the header beside the PHP files, as installed. */
    private function secondCopy(): string
    {
        mkdir("$this->folder/copy");
        copy($this->ffiHeader(), "$this->folder/copy/transmit_ffi.h");
        exec('cp -r ' . self::php('*') . " $this->folder/copy");
        return "$this->folder/copy";
    }

    /** As ./build.sh install makes it. */
    private function ffiHeader(): string
    {
        $header = file_get_contents(dirname(__DIR__, 2) . '/include/transmit_ffi.h');
        $header = str_replace('libtransmit.so.1', self::library(), $header);
        file_put_contents("$this->folder/ffi.h", $header);
        return "$this->folder/ffi.h";
    }

    private static function library(): string
    {
        return getenv('TRANSMIT_LIBRARY') ?: dirname(__DIR__, 2) . '/build/libtransmit.so';
    }

    private static function php(string $file): string
    {
        return rtrim(dirname(__DIR__, 2) . "/php/$file", '/');
    }
}
