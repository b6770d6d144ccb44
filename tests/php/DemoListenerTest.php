<?php

namespace Transmit\Test;

/**
 * tests/demo/listen.php, the example of listener.md, runs as root. Other users have put something into the buffer, at
 * the socket's path, and into datagrams.
 */
final class DemoListenerTest extends TransmitTestCase
{
    private const OTHER = 42904;

    /** @var resource|null */
    private $process = null;

    /** @var array<int, resource> */
    private array $pipes = [];

    protected function tearDown(): void
    {
        if ($this->process !== null) {
            proc_terminate($this->process);
            array_map('fclose', $this->pipes);
            proc_close($this->process);
        }
        parent::tearDown();
    }

    private function start(): void
    {
        $command = [PHP_BINARY, dirname(__DIR__) . '/demo/listen.php', $this->socket, $this->buffer];
        $this->process = proc_open($command, [1 => ['pipe', 'w'], 2 => ['pipe', 'w']], $this->pipes);
    }

    private function line(int $stream = 1): string
    {
        [$read, $write, $except] = [[$this->pipes[$stream]], null, null];
        self::assertSame(1, stream_select($read, $write, $except, 5), 'it hangs');
        return (string) fgets($this->pipes[$stream]);
    }

    public function testItTakesOnlyProfilesAndPrintsNoControlCharacter(): void
    {
        if (posix_geteuid() !== 0) {
            self::markTestSkipped('needs root');
        }
        mkdir($this->buffer);
        chmod($this->buffer, 01777);
        file_put_contents("$this->folder/secret", '{"url":"secret"}');
        $name = "$this->buffer/profile_20200101_000000_0000000";
        symlink("$this->folder/secret", "{$name}1.json");
        link("$this->folder/secret", "{$name}2.json");
        posix_mkfifo("{$name}3.json", 0666);
        mkdir("{$name}4.json");
        ftruncate(fopen("{$name}5.json", 'w'), 1 << 40);
        Scratch::give("{$name}1.json", self::OTHER);
        file_put_contents("{$name}6.json", '{"url":"/\u001b]0;x\u0007\u009b","correlation_id":"\n\u202e"}');
        $this->start();
        self::assertMatchesRegularExpression('~^\?+  /\?\]0;x\?+  0\.0 ms  \d+ bytes, from disk\n$~', $this->line());
        for ($try = 0; $try < 1000 && !file_exists($this->socket); $try++) {
            usleep(10000);
        }
        for ($try = 0; $try < 100 && count(glob("$this->buffer/*")) !== 5; $try++) {
            usleep(10000); // it removes what it has printed
        }
        self::assertCount(5, glob("$this->buffer/*"), 'and leaves all else');
        self::assertSame(0666, fileperms($this->socket) & 07777);
        $client = stream_socket_client("udg://$this->socket");
        foreach (['', "\e[2J", '7', '"x"', '{"url":["\u001b"],"elapsed_ms":1e400,"_meta":7}', '[[[['] as $datagram) {
            stream_socket_sendto($client, $datagram);
            self::assertMatchesRegularExpression('/^[ -~]+\n$/', $this->line(), $datagram);
        }
        self::assertSame('{"url":"secret"}', file_get_contents("$this->folder/secret"));
    }

    /** @return array<string, array{callable(string): mixed}> what is at the socket's path, and stays there */
    public function notSockets(): array
    {
        return [
            'a file' => ['touch'],
            'a link' => [static function (string $path): void {
                symlink("$path.target", $path);
            }],
            'a FIFO' => [static function (string $path): void {
                posix_mkfifo($path, 0600);
            }],
            'a folder' => ['mkdir'],
        ];
    }

    /** @dataProvider notSockets */
    public function testItRemovesNothingButASocket(callable $make): void
    {
        touch("$this->socket.target");
        chmod("$this->socket.target", 0600);
        $make($this->socket);
        $before = lstat($this->socket);
        $this->start();
        self::assertNotSame('', $this->line(2), 'it says why');
        clearstatcache();
        self::assertSame($before, lstat($this->socket));
        self::assertSame(0600, fileperms("$this->socket.target") & 0777);
    }

    public function testItReplacesAnOldSocket(): void
    {
        $old = stream_socket_server("udg://$this->socket", $number, $error, STREAM_SERVER_BIND);
        fclose($old);
        mkdir($this->buffer);
        $this->start();
        set_error_handler(null);
        for ($try = 0; $try < 1000 && ($client = @stream_socket_client("udg://$this->socket")) === false; $try++) {
            usleep(10000);
        }
        restore_error_handler();
        stream_socket_sendto($client, '{"url":"/new"}');
        self::assertStringContainsString('/new', $this->line());
    }
}
