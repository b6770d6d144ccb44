<?php

namespace Transmit\Test;

/**
 * open_basedir limits the buffer directory, in the library and in plain PHP, whatever the page does.
 */
final class OpenBasedirTest extends TransmitTestCase
{
    private const SECRET = '{"sql":"SELECT * FROM others"}';

    /** Starts the library first: on a busy machine that takes more than one call's time. */
    private const PROGRAM = '
        $isReady = static function (): bool {
            return Transmit\Native::configure(Transmit\Settings::current()) === 0;
        };
        for ($try = 0; $try < 100 && !Transmit\Quiet::call($isReady, false); $try++) {
            usleep(get_profiling_config()["library"] === "" ? 0 : 10000);
        }
        $s = stream_socket_server("udg://" . __DIR__ . "/s", $number, $error, STREAM_SERVER_BIND);
        %s
        $r = [get_buffer_directory(), write_to_disk_buffer("{}"), replay_disk_buffer(10, 500000)];
        stream_set_blocking($s, false);
        $r[] = stream_socket_recvfrom($s, 65536);
        cleanup_old_buffers(-10);
        echo json_encode($r, JSON_UNESCAPED_SLASHES);';

    /** @return iterable<string, array{string, list<string>, string, string}> face, directories, before, used */
    public function directories(): iterable
    {
        $wrapper = 'class Wrapper { function mkdir() { return true; } function url_stat() { return false; }
            function dir_opendir() { return true; } function dir_readdir() { return false; } }
            stream_wrapper_unregister("file"); stream_wrapper_register("file", "Wrapper");';
        $php = dirname(__DIR__, 2) . '/php';
        $load = "foreach (glob('$php/src/{,Plain/,Preloaded/}*.php', GLOB_BRACE) as \$file) { require_once \$file; }";
        $rows = [
            'inside' => [['site/in'], '', 'site/in'],
            'inside, not there yet' => [['site/new/deep'], '', 'site/new/deep'],
            'outside' => [['other'], '', ''],
            'outside, not there' => [['nowhere/deep'], '', ''],
            'by a link' => [['site/link'], '', ''],
            'by a link, deeper' => [['site/link/deep'], '', ''],
            'by dots' => [['site/../other'], '', ''],
            'the second one is inside' => [['other', 'site/in'], '', 'site/in'],
            'a page\'s file wrapper' => [['other'], "$load $wrapper", ''],
        ];
        foreach (['plain', 'native'] as $face) {
            foreach ($rows as $name => $row) {
                yield "$name, $face" => array_merge([$face], $row);
            }
        }
        if (PHP_VERSION_ID < 80000) {
            return; // no page can take the name of a disabled function
        }
        yield 'realpath is disabled' => ['native', ['other'], 'function realpath($path) { return $path; }', ''];
        yield 'ini_get is disabled' => ['native', ['other'], 'function ini_get($name) { return ""; }', ''];
    }

    /**
     * @dataProvider directories
     * @param list<string> $directories
     */
    public function testOnlyADirectoryInsideIsUsed(string $face, array $directories, string $before, string $want): void
    {
        $this->useFace($face);
        foreach (['site', 'site/in', 'other', 'other/deep'] as $name) {
            mkdir("$this->folder/$name", 0700);
        }
        symlink("$this->folder/other", "$this->folder/site/link");
        $secret = "$this->folder/other/profile_20260101_000000_00000000.json";
        file_put_contents($secret, self::SECRET);

        $ran = $this->runProgram($face, $directories, $before);

        [$directory, $isWritten, $replayed, $received] = json_decode($ran['output'], true) ?? self::fail(implode($ran));
        self::assertSame($want === '' ? null : "$this->folder/$want", $directory, $ran['output']);
        self::assertSame([$want !== '', $want === '' ? 0 : 1], [$isWritten, $replayed]);
        self::assertSame($want === '' ? '' : '{}', (string) $received);
        self::assertSame([$secret], array_merge(glob("$this->folder/other/*.json"), glob("$this->folder/other/*/*")));
        self::assertSame(self::SECRET, file_get_contents($secret));
        self::assertDirectoryDoesNotExist("$this->folder/nowhere");
    }

    /** @return array<string, array{string, string}> what makes the way to the page's directory; what changes it later */
    public function ways(): array
    {
        return [
            'a link that leads elsewhere later' => ['mkdir("a/b/c", 0755, true); mkdir("a/other/deep", 0755, true);
                symlink("a/b/c", "turn"); symlink("turn/../../other", "way");', 'unlink("turn"); mkdir("turn");'],
            'a directory that is a link later' => ['mkdir("way/deep", 0755, true); mkdir("a/b/c", 0755, true);
                symlink("a/b/c", "turn"); mkdir("a/other/deep", 0755, true); symlink("turn/../../other", "hidden");',
                'rename("way", "old"); rename("hidden", "way"); unlink("turn"); mkdir("turn");'],
            'the working directory' => ['mkdir("deep"); define("WAY", "/proc/self/cwd/deep");', 'chdir("a");'],
        ];
    }

    /**
     * The library writes to it later, after a large profile. Meanwhile the page changes where its path leads.
     *
     * @dataProvider ways
     */
    public function testAPathThatLeadsElsewhereLater(string $before, string $after): void
    {
        $this->useFace('native');
        foreach (['site', 'site/in', 'site/a', 'site/a/deep', 'other', 'other/deep'] as $name) {
            mkdir("$this->folder/$name", 0700);
        }
        $program = Program::write("$this->folder/site", ["$this->folder/site/in"], '
            ini_set("memory_limit", "512M"); chdir(__DIR__); ' . $before . '
            $GLOBALS["more"] = ["wait_for_disk" => false, "timeout_us" => 5000000];
            send_via_socket("{}", __DIR__ . "/none");
            send_via_socket("{\"a\":\"" . str_repeat("x", 60000000) . "\"}", __DIR__ . "/none");
            $GLOBALS["more"]["buffer_dirs"] = [defined("WAY") ? WAY : __DIR__ . "/way/deep"];
            echo (int) send_via_socket("{\"b\":1}", __DIR__ . "/none");
            ' . $after . ' usleep(1500000);', 'native');
        $php = dirname(__DIR__, 2);
        $walls = "$this->folder/site:/proc/self/cwd:$php/php:$php/build";
        $ran = Program::run("php -d ffi.enable=true -d error_log=$this->log -d open_basedir=$walls $program");
        self::assertSame('0', $ran['output'], implode($ran));
        self::assertSame([], glob("$this->folder/other/{,*/}*.json", GLOB_BRACE), implode($ran));
        self::assertSame([], glob("$this->folder/site/a/deep/*.json"));
    }

    /**
     * @param list<string> $directories
     * @return array{output: string, errors: string, status: int}
     */
    private function runProgram(string $face, array $directories, string $before): array
    {
        $dirs = array_map(function (string $name): string {
            return "$this->folder/$name";
        }, $directories);
        $library = $face === 'native' ? 'native' : '';
        $program = Program::write("$this->folder/site", $dirs, sprintf(self::PROGRAM, $before), $library);
        $php = dirname(__DIR__, 2);
        $walls = "$this->folder/site:$php/php:$php/build";
        preg_match('/^function (\w+)/', $before, $disabled);
        return Program::run("php -d ffi.enable=true -d error_log=$this->log -d open_basedir=$walls"
            . ($disabled ? " -d disable_functions=$disabled[1]" : '') . " $program");
    }
}
