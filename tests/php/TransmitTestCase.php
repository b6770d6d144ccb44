<?php

namespace Transmit\Test;

use PHPUnit\Framework\TestCase;
use Transmit\Native;
use Transmit\Settings;

/**
 * A folder with a socket path, a buffer directory and a log of its own, and an error
 * handler that throws, as frameworks have.
 */
abstract class TransmitTestCase extends TestCase
{
    /** The time of a call, and room for the scheduler of a busy machine, to which TRANSMIT_LATE_MS adds. */
    protected const CALL_MS = 50 + 25;

    private static array $config = [];

    protected string $folder;
    protected string $socket;
    protected string $buffer;
    protected string $log;

    /** What get_profiling_config() returns. */
    public static function config(): array
    {
        return self::$config;
    }

    protected function setUp(): void
    {
        $this->folder = Scratch::folder();
        $this->socket = $this->folder . '/s';
        $this->buffer = $this->folder . '/buffer';
        $this->log = $this->folder . '/log';
        ini_set('error_log', $this->log);
        self::forgetOtherTests();
        $this->configure([]);
        set_error_handler(static function (int $level, string $message, string $file): bool {
            if (strpos($file, dirname(__DIR__, 2)) !== 0) {
                return false; // PHPUnit's, on a PHP that is newer
            }
            throw new \ErrorException("reached the application: $message", 0, $level);
        });
    }

    /**
     * Log lines are bounded for all of a user's processes together. A process that begins from here on, also as
     * php-fpm's user, knows of none.
     */
    private static function forgetOtherTests(): void
    {
        foreach ([posix_geteuid(), 65534] as $user) {
            $files = glob("/dev/shm/libtransmit-$user.1*"); // one for each version of the library
            array_map('unlink', array_filter($files, 'is_writable'));
        }
    }

    protected function tearDown(): void
    {
        restore_error_handler();
        ini_restore('error_log');
        Scratch::remove($this->folder);
        array_map([Scratch::class, 'remove'], glob(Scratch::root() . '/.transmit-*'));
    }

    protected function configure(array $more): void
    {
        self::$config = $more + [
            'listener_socket' => $this->socket,
            'buffer_dirs' => [$this->buffer],
            'library' => '',
        ];
    }

    protected static function setConfig(array $config): void
    {
        self::$config = $config;
    }

    /** @return array<string, array{string}> both ways to send: for a data provider */
    public function faces(): array
    {
        return ['plain' => ['plain'], 'native' => ['native']];
    }

    /** Native must be there when TRANSMIT_REQUIRE_NATIVE=1, as in CI. */
    protected function useFace(string $face, array $more = []): void
    {
        $this->configure($more + ['library' => $face === 'plain' ? '' : null]);
        if ($face === 'native' && !Native::isUsable(Settings::current())) {
            if (getenv('TRANSMIT_REQUIRE_NATIVE') === '1') {
                self::fail(Native::why());
            }
            self::markTestSkipped(Native::why());
        }
    }

    /**
     * On a busy machine, the time in which there was no CPU for this process is not the call's.
     *
     * @return mixed the result of $call, which printed nothing, threw nothing and was back in time
     */
    protected function timed(callable $call, float $withinMs = self::CALL_MS)
    {
        ob_start();
        [$start, $waited] = [hrtime(true), self::waitedForCpu()];
        $result = $call();
        $ms = (hrtime(true) - $start - self::waitedForCpu() + $waited) / 1e6;
        self::assertSame('', ob_get_clean(), 'printed');
        self::assertLessThan($withinMs + (float) getenv('TRANSMIT_LATE_MS'), $ms, 'milliseconds');
        return $result;
    }

    /** How many nanoseconds all threads have waited for a CPU. */
    private static function waitedForCpu(): int
    {
        set_error_handler(static function (): bool {
            return true; // a thread has ended
        });
        $sum = 0;
        foreach (glob('/proc/self/task/*/schedstat') as $file) {
            $sum += (int) (explode(' ', (string) file_get_contents($file))[1] ?? 0);
        }
        restore_error_handler();
        return $sum;
    }

    /** Fills the queue of whoever listens there and does not read. */
    protected function fill(string $path): void
    {
        $client = stream_socket_client("udg://$path");
        stream_set_blocking($client, false);
        $write = [$client];
        $read = $except = null;
        while (stream_select($read, $write, $except, 0, 0) === 1) {
            stream_socket_sendto($client, 'x');
        }
    }

    /** @return list<string> what the profiles in the buffer directory hold, in no order */
    protected function buffered(): array
    {
        return array_map('file_get_contents', glob($this->buffer . '/profile_*.json'));
    }

    protected function assertLogged(string $pattern): void
    {
        self::assertMatchesRegularExpression($pattern, implode("\n", $this->logLines()));
    }

    /** @return list<string> */
    protected function logLines(): array
    {
        return is_file($this->log) ? file($this->log, FILE_IGNORE_NEW_LINES) : [];
    }
}
