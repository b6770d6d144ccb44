<?php

namespace Transmit\Doctor;

use Transmit\Printable;
use Transmit\Quiet;
use Transmit\Settings;

/**
 * Runs all checks, and prints their findings. The worst finding decides the exit status.
 */
final class Report
{
    /** The exit status, by the state of the worst finding. */
    private const STATUS = [Finding::OK => 0, Finding::WARN => 1, Finding::FAIL => 2];

    private const SUMMARY = [
        Finding::OK => 'Profiles arrive at the listener.',
        Finding::WARN => 'Profiles arrive at the listener; read the warnings.',
        Finding::FAIL => 'No profile arrives at the listener.',
    ];

    /** @var list<Finding> */
    private array $findings;

    /** @param list<Finding> $findings */
    private function __construct(array $findings)
    {
        $this->findings = $findings;
    }

    /** Runs all checks. Its time is not limited. */
    public static function make(): self
    {
        return Quiet::call(static function (): self {
            $settings = Settings::current();
            $socket = self::section('socket', [Socket::class, 'examine'], $settings);
            $canBeSent = (new self($socket))->state() !== Finding::FAIL;
            $test = self::section('test profile', static function (Settings $settings) use ($canBeSent): array {
                return [TestProfile::send($settings, $canBeSent)];
            }, $settings);
            return new self(array_merge(
                self::section('php', [Php::class, 'examine'], $settings),
                self::section('application', [Application::class, 'examine'], $settings),
                $socket,
                $test,
                self::section('buffer', [Buffer::class, 'examine'], $settings),
                self::section('limits', [Limits::class, 'examine'], $settings)
            ));
        }, null) ?? new self([Finding::fail('doctor', 'a defect of the doctor: see the log', 'report it')]);
    }

    /**
     * Runs the checks of one section. If a function that they need is disabled, only this section ends.
     *
     * @param callable(Settings): list<Finding> $examine
     * @return list<Finding>
     */
    private static function section(string $name, callable $examine, Settings $settings): array
    {
        try {
            return call_user_func($examine, $settings);
        } catch (\Error $e) {
            $remedy = 'to have it looked at, take the function out of disable_functions for the doctor: php -d';
            return [Finding::warn($name, 'not looked at: ' . $e->getMessage(), $remedy)];
        }
    }

    public function status(): int
    {
        return self::STATUS[$this->state()];
    }

    public function json(): string
    {
        return json_encode([
            'state' => $this->state(),
            'status' => $this->status(),
            'findings' => $this->findings,
        ], JSON_PRETTY_PRINT | JSON_UNESCAPED_SLASHES | JSON_INVALID_UTF8_SUBSTITUTE) . "\n";
    }

    public function text(): string
    {
        $text = '';
        foreach ($this->findings as $finding) {
            $text .= sprintf("%-5s%-13s %s\n", $finding->state, $finding->name, Printable::line($finding->text));
            if ($finding->remedy !== '') {
                $text .= str_repeat(' ', 19) . '-> ' . Printable::line($finding->remedy) . "\n";
            }
        }
        return "$text\n" . self::SUMMARY[$this->state()] . "\n";
    }

    private function state(): string
    {
        $state = Finding::OK;
        foreach ($this->findings as $finding) {
            $state = self::STATUS[$finding->state] > self::STATUS[$state] ? $finding->state : $state;
        }
        return $state;
    }
}
