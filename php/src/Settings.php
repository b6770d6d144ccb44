<?php

namespace Transmit;

use Transmit\Profiler\Options;

// Instructions of PHP when imported: PHP 7.4 has them also where they are disabled.
use function is_array;
use function is_bool;
use function is_int;
use function is_string;

/**
 * get_profiling_config() with the defaults filled in.
 *
 * key                default
 * listener_socket    "/var/run/bitville-apm/listener.sock"; an absolute path, no scheme before it
 * listener_user      null    a user's name or number: profiles go only to a socket that this user or root owns
 * timeout_us         50000   for a whole call
 * max_datagram_size  65507   bytes. Set it lower for a listener that takes less
 * listener           ""      a key of LISTENERS, the program that listens. Sets max_datagram_size if that is not set
 * oversize           "shrink"   shrink a larger profile; "buffer": write it whole to disk; "memfd": send a memfd
 * replay             "off"   "auto": after an outage the library sends the buffered profiles. Not in plain PHP
 * wait_for_disk      true    false: do not wait for the file of a profile. Plain PHP always waits
 * buffer_dirs        /var/lib/bitville-apm/buffer, /tmp/bitville-apm-buffer,
 *                    <system temp>/bitville-apm-buffer, <system temp>
 * buffer_max_bytes   1073741824   0: no limit
 * buffer_max_files   100000       0: no limit
 *
 * Only PHP has this one:
 * library            null    path of libtransmit.so; "": do not use the library; null: search for it
 *
 * Transmit\Profiler\Options has the settings of the profiler.
 */
final class Settings
{
    private const DEFAULTS = [
        'listener_socket' => '/var/run/bitville-apm/listener.sock',
        'listener_user' => null,
        'timeout_us' => 50000,
        'max_datagram_size' => null,
        'listener' => '',
        'oversize' => 'shrink',
        'replay' => 'off',
        'wait_for_disk' => true,
        'buffer_max_bytes' => 1073741824,
        'buffer_max_files' => 100000,
        'library' => null,
    ];

    /** The limit of each listener in bytes: the same as in transmit/oversize.go. "": none of these. */
    public const LISTENERS = [
        '' => 65507,
        'telegraf' => 65536,
        'vector' => 102400,
        'syslog-ng' => 65536,
        'fluent-bit' => 32767,
        'rsyslog' => 8192,
    ];

    private const WORDS = [
        'oversize' => ['shrink', 'buffer', 'memfd'],
        'replay' => ['off', 'auto'],
    ];

    /** The same ranges as transmit.h. */
    private const RANGES = [
        'timeout_us' => [1, 60000000],
        'max_datagram_size' => [1, 16777216],
        'buffer_max_bytes' => [0, PHP_INT_MAX],
        'buffer_max_files' => [0, PHP_INT_MAX],
    ];

    /** @var self|null */
    private static $last = null;

    /** @var mixed the application's array that $last was made of */
    private static $lastConfig;

    /** @var list<string> what was wrong with $lastConfig */
    private static $problems = [];

    public string $listenerSocket;
    public ?int $listenerUser;
    public int $timeoutUs;
    public int $maxDatagramSize;
    public string $oversize;
    public string $replay;
    public bool $waitForDisk;
    /** @var list<string> */
    public array $bufferDirs;
    public int $bufferMaxBytes;
    public int $bufferMaxFiles;
    public ?string $library;

    /** @var string|null see json() */
    private $json = null;

    /** @param array<string, mixed> $values all keys, checked */
    private function __construct(array $values)
    {
        $this->listenerSocket = $values['listener_socket'];
        $this->listenerUser = $values['listener_user'] === null ? null : SocketUser::number($values['listener_user']);
        $this->timeoutUs = $values['timeout_us'];
        $this->maxDatagramSize = $values['max_datagram_size'] ?? self::LISTENERS[$values['listener']];
        $this->oversize = $values['oversize'];
        $this->replay = $values['replay'];
        $this->waitForDisk = $values['wait_for_disk'];
        $this->bufferDirs = $values['buffer_dirs'];
        $this->bufferMaxBytes = $values['buffer_max_bytes'];
        $this->bufferMaxFiles = $values['buffer_max_files'];
        $this->library = $values['library'];
    }

    /** The current settings: the same object as long as the application's array is the same. */
    public static function current(): self
    {
        $problem = 'get_profiling_config() returned no array: the defaults are used';
        try {
            $config = self::config();
        } catch (\Throwable $e) {
            $config = null;
            $problem = 'get_profiling_config() threw "' . $e->getMessage() . '": the defaults are used';
        }
        return self::$last !== null && self::$lastConfig === $config ? self::$last : self::make($config, $problem);
    }

    /** @return mixed the application's array at the last call of current() */
    public static function given()
    {
        return self::$lastConfig;
    }

    public function __clone()
    {
        $this->json = null;
    }

    /** @return array<string, mixed> the settings if the application defines no function */
    public static function ofEnvironment(): array
    {
        $socket = function_exists('getenv') ? getenv('LISTENER_SOCKET') : '';
        return ['listener_socket' => $socket ?: self::DEFAULTS['listener_socket']];
    }

    /** @return mixed the application's array, or ofEnvironment() */
    private static function config()
    {
        return function_exists('get_profiling_config')
            ? get_profiling_config()
            : self::ofEnvironment();
    }

    /**
     * @param mixed $config
     * @param string $problem the text to log if $config is not an array
     */
    private static function make($config, string $problem): self
    {
        $problems = is_array($config) ? [] : [$problem];
        $values = self::defaults();
        $wrong = Options::problems(is_array($config) ? $config : []);
        foreach (is_array($config) ? array_intersect_key($config, $values) : [] as $key => $value) {
            if (self::isPossible($key, $value)) {
                $values[$key] = $value;
            } else {
                $wrong[] = $key;
            }
        }
        foreach ($wrong as $key) {
            $rule = $key === 'listener_socket' ? SocketPath::RULE : 'has a wrong type or an impossible value';
            $then = $key === 'listener_user' ? 'profiles go to a socket of root only' : 'its default is used';
            $values[$key] = $key === 'listener_user' ? 0 : $values[$key] ?? null;
            $problems[] = "the setting $key $rule: $then";
        }
        self::$lastConfig = $config;
        self::$problems = $problems;
        self::$last = new self($values);
        foreach ($problems as $problem) {
            Log::write(Result::EINVAL, $problem, self::$last);
        }
        return self::$last;
    }

    /** @return list<string> the problems of the application's array, which were logged */
    public static function problems(): array
    {
        self::current();
        return self::$problems;
    }

    /** @return list<string> keys of the application's array that are not settings */
    public static function otherKeys(): array
    {
        self::current();
        $known = self::defaults() + Options::DEFAULTS;
        return array_map('strval', array_keys(array_diff_key((array) self::$lastConfig, $known)));
    }

    /**
     * The settings in the form of transmit_configure.
     *
     * @return array<string, mixed>
     */
    public function forLibrary(): array
    {
        return [
            'listener_socket' => $this->listenerSocket,
            'listener_user' => $this->listenerUser ?? -1,
            'timeout_us' => $this->timeoutUs,
            'max_datagram_size' => $this->maxDatagramSize,
            'oversize' => $this->oversize,
            'replay' => $this->replay,
            'wait_for_disk' => $this->waitForDisk,
            'buffer_dirs' => $this->bufferDirs,
            'buffer_max_bytes' => $this->bufferMaxBytes,
            'buffer_max_files' => $this->bufferMaxFiles,
            'php_version' => PHP_VERSION,
        ];
    }

    /**
     * forLibrary() as JSON, which leaves json_last_error() unchanged.
     *
     * @throws \JsonException a path is not UTF-8
     */
    public function json(): string
    {
        return $this->json = $this->json
            ?? json_encode($this->forLibrary(), JSON_UNESCAPED_SLASHES | JSON_THROW_ON_ERROR);
    }

    /** @return array<string, mixed> */
    private static function defaults(): array
    {
        $temp = sys_get_temp_dir();
        return self::DEFAULTS + [
            'buffer_dirs' => [
                '/var/lib/bitville-apm/buffer', '/tmp/bitville-apm-buffer', "$temp/bitville-apm-buffer", $temp,
            ],
        ];
    }

    /** @param mixed $value */
    private static function isPossible(string $key, $value): bool
    {
        switch ($key) {
            case 'listener_socket':
                return is_string($value) && strpos($value, "\0") === false && strncmp($value, '/', 1) === 0;
            case 'listener_user':
                return $value === null || SocketUser::number($value) !== null;
            case 'listener':
                return is_string($value) && isset(self::LISTENERS[$value]);
            case 'oversize':
            case 'replay':
                return in_array($value, self::WORDS[$key], true);
            case 'wait_for_disk':
                return is_bool($value);
            case 'library':
                return $value === null || is_string($value);
            case 'buffer_dirs':
                return self::areDirectories($value);
        }
        return is_int($value) && $value >= self::RANGES[$key][0] && $value <= self::RANGES[$key][1];
    }

    /** @param mixed $value */
    private static function areDirectories($value): bool
    {
        if (!is_array($value) || $value === [] || array_values($value) !== $value) {
            return false;
        }
        foreach ($value as $path) {
            if (!is_string($path) || strncmp($path, '/', 1) !== 0 || strpos($path, "\0") !== false) {
                return false;
            }
        }
        return true;
    }
}
