<?php

namespace Transmit\Test;

use PHPUnit\Framework\TestCase;
use Transmit\Log;
use Transmit\Native;
use Transmit\Plain\BackOff;
use Transmit\Result;
use Transmit\SendCall;
use Transmit\Settings;

/**
 * The PHP files say the same as include/transmit.h, and have the same times as C and Go.
 */
final class ContractTest extends TestCase
{
    public function testResultsAreTheHeaders(): void
    {
        preg_match_all('/^#define TRANSMIT_(\w+) \(?(-?\d+)\)? /m', self::header(), $found);
        $defined = array_map('intval', array_combine($found[1], $found[2]));
        unset($defined['MAX_DEPTH'], $defined['MAX_LENGTH']);
        self::assertSame($defined, (new \ReflectionClass(Result::class))->getConstants());
    }

    /** @return array<string, array{string, int}> */
    public function numbers(): array
    {
        return [
            'abi' => ['ABI_VERSION (\d+)', Native::ABI_VERSION],
            'trusted' => ['TRUSTED (\d+)u', Native::TRUSTED],
            'as is' => ['AS_IS (\d+)u', Native::AS_IS],
            'to disk' => ['TO_DISK (\d+)u', Native::TO_DISK],
            'shrunk' => ['SHRUNK (\d+)u', Native::SHRUNK],
            'no wait' => ['NO_WAIT (\d+)u', Native::NO_WAIT],
        ];
    }

    /** @dataProvider numbers */
    public function testNumbersAreTheHeaders(string $pattern, int $want): void
    {
        self::assertSame(1, preg_match("/^#define TRANSMIT_$pattern/m", self::header(), $found));
        self::assertSame($want, (int) $found[1]);
    }

    public function testTheListenersLimitsAreTheHeaders(): void
    {
        preg_match_all('/"([a-z-]+)" (\d+)(?=[,.])/', self::header(), $found);
        $limits = array_map('intval', array_combine($found[1], $found[2]));
        self::assertCount(5, $limits);
        self::assertEquals($limits + ['' => 65507], Settings::LISTENERS);
    }

    /** @return array<string, array{string, string, class-string, string, int}> */
    public function times(): array
    {
        $backOff = 'transmit/backoff.go';
        return [
            'first back-off' => [$backOff, '~firstPause += (\d*).*time\.Second~', BackOff::class, 'FIRST_MS', 1000],
            'longest one' => [$backOff, '~longestPause += (\d+) \* time\.Second~', BackOff::class, 'MAX_MS', 1000],
            'for the disk' => ['transmit/transmit.go', '~min\(timeout/5, (\d+)\*time\.Millisecond\)~', SendCall::class,
                'DISK_RESERVE_US', 1000],
            'log' => ['door/log_due.c', '~FIRST_PAUSE_NS \(\(int64_t\)(\d+) \* 1000000000\)~', Log::class,
                'EVERY_SECONDS', 1],
        ];
    }

    /** @dataProvider times */
    public function testTimesAreTheLibrarys(string $file, string $pattern, string $class, string $name, int $unit): void
    {
        self::assertSame(1, preg_match($pattern, self::source($file), $found));
        $constant = (new \ReflectionClassConstant($class, $name))->getValue();
        self::assertSame((int) ($found[1] ?: 1) * $unit, $constant);
    }

    /** The part of a call's time that is reserved for a busy machine: divisor of the timeout, and most milliseconds. */
    public function testCReservesAsMuchAsGo(): void
    {
        $go = '/func wakeUp\(.*?min\(timeout\/(\d+), (\d+)\*time\.Millisecond\)/s';
        $c = '/deadline_of\(.*?timeout_us \/ (\d+);.*?wake_up_us < (\d+)000 /s';
        self::assertSame(1, preg_match($go, self::source('transmit/transmit.go'), $inGo));
        self::assertSame(1, preg_match($c, self::source('door/export.c'), $inC));
        self::assertSame(array_slice($inGo, 1), array_slice($inC, 1));
    }

    private static function header(): string
    {
        return self::source('include/transmit.h');
    }

    private static function source(string $file): string
    {
        return file_get_contents(dirname(__DIR__, 2) . "/$file");
    }
}
