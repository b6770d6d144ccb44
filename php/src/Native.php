<?php

namespace Transmit;

use function hrtime;
use function strlen;

/**
 * libtransmit.so through FFI, and the one place that knows FFI.
 */
final class Native
{
    /** As in transmit.h. */
    public const ABI_VERSION = 1;
    public const TRUSTED = 1;
    public const AS_IS = 2;
    public const TO_DISK = 4;
    public const SHRUNK = 8;

    /** As in transmit_ffi.h. */
    private const SCOPE = 'TRANSMIT';
    private const SONAME = 'libtransmit.so.1';

    /** @var self|null PHP 7.4 does not preload a class with this type, nor with \FFI where that is not loaded */
    private static $instance = null;

    /** Why there is none. */
    private static string $why = '';

    /** @var array{string|null}|null the setting for which that was decided */
    private static ?array $decidedFor = null;

    /** What the library was told last in this request. */
    private static ?Settings $told = null;

    /** @var \FFI */
    private $ffi;

    /** @var \FFI\CData what logDue() is answered in */
    private $suppressed;

    private function __construct(\FFI $ffi)
    {
        $this->ffi = $ffi;
        $this->suppressed = $ffi->new('uint32_t');
    }

    /** The library, if it can be used here. Decided once per request. */
    public static function instance(Settings $settings): ?self
    {
        if (self::$decidedFor !== [$settings->library]) {
            self::$decidedFor = [$settings->library];
            self::$instance = self::$told = null;
            self::$why = self::start($settings->library);
        }
        return self::$instance;
    }

    /** Why instance() gave null, and what to do about it; "" if it did not. */
    public static function why(): string
    {
        return self::$why;
    }

    /** Whether it can be used, and has these settings. */
    public static function isReady(Settings $settings): bool
    {
        return self::$told === $settings || self::tell($settings);
    }

    /**
     * Sends one encoded profile. Raises no warning.
     *
     * @param string|null $socketPath without a NUL byte; null: the settings' own
     * @param int $start hrtime(true), when the application called
     * @return int a Result
     */
    public static function send(string $json, int $flags, ?string $socketPath, Settings $settings, int $start): int
    {
        if (self::$told !== $settings && !self::tell($settings)) {
            return Result::EPANIC; // plain PHP may be able to do it
        }
        $leftUs = $settings->timeoutUs + (int) (($start - hrtime(true)) / 1000);
        try {
            return self::$instance->ffi
                ->transmit_send_with($json, strlen($json), $flags, $socketPath, $leftUs > 0 ? $leftUs : 1);
        } catch (\FFI\Exception $e) {
            return Result::EPANIC;
        }
    }

    /** Why the last profile is not at the listener, in the library's words; "" without it. */
    public static function lastError(): string
    {
        return self::$instance === null ? '' : self::$instance->ffi->transmit_last_error();
    }

    /**
     * Sends what lies in the disk buffer.
     *
     * @return array{int, string} how many, or a Result below 0; why not all
     */
    public function replay(int $maxFiles, int $budgetUs, Settings $settings): array
    {
        try {
            if (!self::isReady($settings)) {
                return [Result::EPANIC, ''];
            }
            $most = 0xFFFFFFFF;
            return [$this->ffi->transmit_replay(min($maxFiles, $most), min($budgetUs, $most)), self::lastError()];
        } catch (\FFI\Exception $e) {
            return [Result::EPANIC, $e->getMessage()];
        }
    }

    /** @return int|false|null lines left out since the last one; null: not now; false: the library does not say */
    public function logDue(int $result)
    {
        try {
            $due = $this->ffi->transmit_log_due($result, \FFI::addr($this->suppressed));
        } catch (\FFI\Exception $e) {
            return false;
        }
        return $due < 0 ? false : ($due === 1 ? $this->suppressed->cdata : null);
    }

    /** As JSON: see transmit.h. */
    public function stats(): string
    {
        return $this->ffi->transmit_stats();
    }

    public function version(): string
    {
        return $this->ffi->transmit_version();
    }

    /**
     * All keys, so that two virtual hosts in one worker do not inherit each other's.
     * Starts the library in this process.
     *
     * @return int 0, or why it cannot be used here
     */
    public function configure(Settings $settings): int
    {
        $json = $settings->forLibrary();
        $result = $this->ffi->transmit_configure($json, strlen($json));
        self::$told = $result === 0 ? $settings : null;
        return $result;
    }

    private static function tell(Settings $settings): bool
    {
        $native = self::instance($settings);
        try {
            return $native !== null && $native->configure($settings) === 0;
        } catch (\FFI\Exception $e) {
            return false;
        }
    }

    /** @return string why not; "": it is there */
    private static function start(?string $library): string
    {
        if ($library === '') {
            return 'the setting "library" is empty: the library is not to be used';
        }
        if (!extension_loaded('FFI')) {
            return 'PHP has no extension FFI: install and enable it (Debian: phpenmod ffi)';
        }
        try {
            $ffi = self::preloaded() ?? self::load($library);
            $version = $ffi->transmit_abi_version();
        } catch (\FFI\Exception $e) {
            return self::explain($e->getMessage());
        }
        if ($version !== self::ABI_VERSION) {
            return self::explain("its ABI version is $version");
        }
        self::$instance = new self($ffi);
        return '';
    }

    /** The recipe with ffi.preload: the library was bound when PHP started. */
    private static function preloaded(): ?\FFI
    {
        try {
            return \FFI::scope(self::SCOPE);
        } catch (\FFI\Exception $e) {
            return null;
        }
    }

    private static function load(?string $library): \FFI
    {
        $library = $library ?? (getenv('TRANSMIT_LIBRARY') ?: null);
        $header = self::header($library);
        // Its #define lines are for ffi.preload only. FFI_LIB: where the library was built or installed to.
        preg_match('/^#define FFI_LIB "(.+)"$/m', $header, $installed);
        $declarations = (string) preg_replace('/^#.*$/m', '', $header);
        return \FFI::cdef($declarations, $library ?? $installed[1] ?? self::SONAME);
    }

    /**
     * transmit_ffi.h lies beside this file when installed, and in build/ when built. Composer's
     * copy of these files has none: the library's is taken.
     */
    private static function header(?string $library): string
    {
        $share = '/share/libtransmit/php';
        $own = [dirname(__DIR__), dirname(__DIR__, 2) . '/build', dirname(__DIR__, 2) . '/include'];
        $libraries = $library === null
            ? ["/usr/local$share", "/usr$share"]
            : [dirname($library), dirname($library, 2) . $share, "/usr/local$share", "/usr$share"];
        foreach (array_merge($own, $libraries) as $folder) {
            if (is_file("$folder/transmit_ffi.h")) {
                return (string) file_get_contents("$folder/transmit_ffi.h");
            }
        }
        return '';
    }

    /** What users get wrong, with the remedy. */
    private static function explain(string $message): string
    {
        $message = trim($message);
        if (strpos($message, 'restricted') !== false) {
            return 'FFI is restricted here: in php.ini, set ffi.preload=<transmit_ffi.h> and'
                . ' opcache.preload=<preload.php>, or ffi.enable=true, and restart PHP';
        }
        if (strpos($message, 'Failed loading') === 0) {
            return "the library cannot be loaded ($message): install it, or set the key library to its full path"
                . (self::hasMusl() ? '; where PHP is built with musl, as in Alpine Linux, it has to be there'
                . ' when PHP starts: LD_PRELOAD=<libtransmit.so>' : '');
        }
        return "the library does not fit these PHP files ($message): install both from one release and restart PHP";
    }

    /** Its loader is there; PHP itself says of neither libc that it has it. */
    private static function hasMusl(): bool
    {
        return is_file('/lib/ld-musl-' . php_uname('m') . '.so.1');
    }
}
