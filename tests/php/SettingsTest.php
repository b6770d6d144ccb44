<?php

namespace Transmit\Test;

use Transmit\Native;
use Transmit\Result;
use Transmit\Settings;

final class SettingsTest extends TransmitTestCase
{
    private const DEFAULT_SOCKET = '/var/run/bitville-apm/listener.sock';

    /** @return array<string, array{string, mixed, string, mixed, bool}> key, value, property, want, is logged */
    public function values(): array
    {
        return [
            'timeout 1' => ['timeout_us', 1, 'timeoutUs', 1, false],
            'timeout 0' => ['timeout_us', 0, 'timeoutUs', 50000, true],
            'timeout text' => ['timeout_us', '100', 'timeoutUs', 50000, true],
            'timeout largest' => ['timeout_us', 60000000, 'timeoutUs', 60000000, false],
            'timeout too large' => ['timeout_us', 60000001, 'timeoutUs', 50000, true],
            'datagram largest' => ['max_datagram_size', 16777216, 'maxDatagramSize', 16777216, false],
            'datagram too large' => ['max_datagram_size', 16777217, 'maxDatagramSize', 65507, true],
            'listener' => ['listener', 'rsyslog', 'maxDatagramSize', 8192, false],
            'listener none' => ['listener', '', 'maxDatagramSize', 65507, false],
            'listener unknown' => ['listener', 'Rsyslog', 'maxDatagramSize', 65507, true],
            'listener no text' => ['listener', 1, 'maxDatagramSize', 65507, true],
            'oversize' => ['oversize', 'memfd', 'oversize', 'memfd', false],
            'oversize unknown' => ['oversize', 'cut', 'oversize', 'shrink', true],
            'oversize no text' => ['oversize', true, 'oversize', 'shrink', true],
            'replay' => ['replay', 'auto', 'replay', 'auto', false],
            'replay unknown' => ['replay', 'on', 'replay', 'off', true],
            'replay no text' => ['replay', true, 'replay', 'off', true],
            'bytes 0' => ['buffer_max_bytes', 0, 'bufferMaxBytes', 0, false],
            'bytes below 0' => ['buffer_max_bytes', -1, 'bufferMaxBytes', 1 << 30, true],
            'bytes most' => ['buffer_max_bytes', PHP_INT_MAX, 'bufferMaxBytes', PHP_INT_MAX, false],
            'files most' => ['buffer_max_files', PHP_INT_MAX, 'bufferMaxFiles', PHP_INT_MAX, false],
            'files 0' => ['buffer_max_files', 0, 'bufferMaxFiles', 0, false],
            'files null' => ['buffer_max_files', null, 'bufferMaxFiles', 100000, true],
            'no wait' => ['wait_for_disk', false, 'waitForDisk', false, false],
            'no wait, 0' => ['wait_for_disk', 0, 'waitForDisk', true, true],
            'socket' => ['listener_socket', '/a', 'listenerSocket', '/a', false],
            'socket, relative' => ['listener_socket', 's', 'listenerSocket', self::DEFAULT_SOCKET, true],
            'socket, below here' => ['listener_socket', './s', 'listenerSocket', self::DEFAULT_SOCKET, true],
            'socket, scheme' => ['listener_socket', 'unix:///s', 'listenerSocket', self::DEFAULT_SOCKET, true],
            'socket, Telegraf' => ['listener_socket', 'unixgram:///s', 'listenerSocket', self::DEFAULT_SOCKET, true],
            'socket, abstract' => ['listener_socket', '@s', 'listenerSocket', self::DEFAULT_SOCKET, true],
            'socket empty' => ['listener_socket', '', 'listenerSocket', self::DEFAULT_SOCKET, true],
            'socket with NUL' => ['listener_socket', "/a\0", 'listenerSocket', self::DEFAULT_SOCKET, true],
            'socket no text' => ['listener_socket', ['/a'], 'listenerSocket', self::DEFAULT_SOCKET, true],
            'directories' => ['buffer_dirs', ['/a', '/b'], 'bufferDirs', ['/a', '/b'], false],
            'user' => ['listener_user', 'root', 'listenerUser', 0, false],
            'the largest user' => ['listener_user', 4294967294, 'listenerUser', 4294967294, false],
            'unknown key' => ['colour', 'red', 'timeoutUs', 50000, false],
        ];
    }

    /**
     * @dataProvider values
     * @param mixed $value
     * @param mixed $want
     */
    public function testValues(string $key, $value, string $property, $want, bool $isLogged): void
    {
        $this->configure([$key => $value]);
        self::assertSame($want, $this->current()->$property);
        self::assertCount($isLogged ? 1 : 0, $this->logLines());
        self::assertStringContainsString($isLogged ? "the setting $key " : '', implode($this->logLines()));
    }

    /**
     * Else trouble would find the library without settings, and plain PHP would do its work.
     *
     * @dataProvider values
     * @param mixed $value
     */
    public function testTheLibraryTakesWhatIsLeftOfThem(string $key, $value): void
    {
        $this->useFace('native', ['timeout_us' => 5000000]);
        for ($try = 0; $try < 100 && Native::configure($this->current()) === Result::ESTARTING; $try++) {
            usleep(20000); // a busy machine: no call takes longer than half of its timeout for Go's start
        }
        $this->useFace('native', [$key => $value]);
        self::assertSame(0, Native::configure($this->current()), Native::lastError());
    }

    public function testAnExplicitSizeWinsOverTheListeners(): void
    {
        $this->configure(['max_datagram_size' => 9000, 'listener' => 'rsyslog']);
        self::assertSame(9000, $this->current()->maxDatagramSize);
        $this->configure(['listener' => 'rsyslog', 'max_datagram_size' => 9000]);
        self::assertSame(9000, $this->current()->maxDatagramSize);
    }

    /** @return array<string, array{mixed}> */
    public function noDirectories(): array
    {
        return [
            'text' => ['/a'],
            'none' => [[]],
            'relative' => [['a']],
            'map' => [['x' => '/a']],
            'NUL' => [["/a\0"]],
            'number' => [[1]],
        ];
    }

    /**
     * @dataProvider noDirectories
     * @param mixed $value
     */
    public function testBufferDirsHaveADefault($value): void
    {
        $this->configure(['buffer_dirs' => $value]);
        $temp = sys_get_temp_dir();
        $want = ['/var/lib/bitville-apm/buffer', '/tmp/bitville-apm-buffer', "$temp/bitville-apm-buffer", $temp];
        self::assertSame($want, $this->current()->bufferDirs);
        self::assertCount(1, $this->logLines());
    }

    public function testTheSameArrayGivesTheSameSettings(): void
    {
        $this->configure(['timeout_us' => 4000]);
        $first = $this->current();
        self::assertSame($first, $this->current());
        $this->configure(['timeout_us' => 4001]);
        self::assertSame(4001, $this->current()->timeoutUs);
    }

    private function current(): Settings
    {
        return \Transmit\Quiet::call(static function (): Settings {
            return Settings::current();
        }, null);
    }
}
