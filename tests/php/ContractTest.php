<?php

namespace Transmit\Test;

use PHPUnit\Framework\TestCase;
use Transmit\Native;
use Transmit\Result;
use Transmit\Settings;

/**
 * The PHP files say the same as include/transmit.h.
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

    private static function header(): string
    {
        return file_get_contents(dirname(__DIR__, 2) . '/include/transmit.h');
    }
}
