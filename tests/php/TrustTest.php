<?php

namespace Transmit\Test;

/**
 * Which directories plain PHP trusts: the rows of trust.json, which buffer/trust_test.go tests with the library.
 */
final class TrustTest extends TransmitTestCase
{
    private const USERS = ['root' => 0, 'me' => 42901, 'other' => 42902];

    /** As that user, whose PHP has nothing to say: it prints a directory or why there is none, and warnings. */
    private const PROGRAM = '
        require $argv[1];
        posix_setgid((int) $argv[2]) && posix_setuid((int) $argv[2]);
        Transmit\Quiet::call(static function () use ($argv): void {
            $directory = Transmit\BufferDirectory::choose([$argv[3]]);
            echo $directory ?? Transmit\BufferDirectory::problem($argv[3]);
        }, null);';

    /** @return iterable<string, array{array<mixed>}> */
    public function rows(): iterable
    {
        foreach (json_decode((string) file_get_contents(__DIR__ . '/../trust.json'), true) as $row) {
            yield $row['name'] => [$row];
        }
    }

    /**
     * @dataProvider rows
     * @param array<mixed> $row
     */
    public function testTheSameVerdictAsTheLibrarys(array $row): void
    {
        $this->needRoot();
        chmod(dirname($this->folder), 0755);
        chmod($this->folder, 0755);
        foreach ($row['make'] as [$what, $name, $detail, $owner]) {
            $this->make($what, "$this->folder/$name", $detail, self::USERS[$owner]);
        }
        $said = $this->choose("$this->folder/{$row['path']}", '');
        if ($row['want'] === '') {
            self::assertDirectoryExists($said);
            self::assertSame(realpath($said), $said);
        } else {
            self::assertStringContainsString($row['want'], $said);
        }
    }

    /** @return iterable<string, array{string, string, string}> what is allowed, the candidate, what is said */
    public function limits(): iterable
    {
        yield 'the parents are hidden' => ['@/p/d', '@/p/d', '@/p/d'];
        yield 'a parent is seen' => ['@/p', '@/p/d', '@/p/d'];
        yield 'hidden itself' => ['@/q', '@/p/d', 'no such directory'];
        yield 'below a link' => ['@/p', '@/l/d', '@/p/d'];
        yield 'another\'s is seen' => ['@/o', '@/o/d', '@/o: belongs to another user'];
    }

    /** @dataProvider limits */
    public function testOpenBasedirHidesWhatIsAbove(string $allowed, string $candidate, string $said): void
    {
        $this->needRoot();
        chmod(dirname($this->folder), 0755);
        chmod($this->folder, 0755);
        $this->make('dir', "$this->folder/p", '0755', 0);
        $this->make('dir', "$this->folder/p/d", '0755', self::USERS['me']);
        $this->make('dir', "$this->folder/o", '0755', self::USERS['other']);
        $this->make('dir', "$this->folder/o/d", '0755', self::USERS['me']);
        $this->make('link', "$this->folder/l", 'p', 0);
        [$allowed, $candidate, $said] = str_replace('@', $this->folder, [$allowed, $candidate, $said]);
        self::assertSame($said, $this->choose($candidate, dirname(__DIR__, 2) . "/php:$allowed"));
    }

    private function make(string $what, string $path, string $detail, int $owner): void
    {
        if ($what === 'link') {
            symlink(str_replace('@', $this->folder, $detail), $path);
            Scratch::give($path, $owner);
            return;
        }
        $what === 'dir' ? mkdir($path) : touch($path);
        chown($path, $owner);
        chmod($path, (int) octdec($detail));
    }

    private function choose(string $candidate, string $allowed): string
    {
        $command = [PHP_BINARY, '-d', 'display_errors=1', '-d', "open_basedir=$allowed", '-r', self::PROGRAM, '--',
            dirname(__DIR__, 2) . '/php/autoload.php', (string) self::USERS['me'], $candidate];
        $process = proc_open($command, [1 => ['pipe', 'w'], 2 => ['redirect', 1]], $pipes);
        $said = (string) stream_get_contents($pipes[1]);
        proc_close($process);
        return $said;
    }

    private function needRoot(): void
    {
        if (posix_geteuid() !== 0) {
            self::markTestSkipped('needs root');
        }
    }
}
