<?php

namespace Transmit\Status;

use Transmit\ListenerCheck;
use Transmit\Settings;
use Transmit\Stats;

/**
 * The values that the status page shows, read at one moment.
 */
final class Snapshot
{
    public Settings $settings;

    /** @var array<string, mixed> see Transmit\ListenerCheck */
    public array $check;

    /** @var array<string, mixed>|null the counters of transmit_stats; null: plain PHP counts nothing */
    public ?array $counts;

    /** Why $counts are of this process only; "": they are of all processes of this user. */
    public string $poolError;

    public Backlog $backlog;

    /** The current time in Unix seconds. */
    public float $time;

    public static function take(): self
    {
        $self = new self();
        $self->time = microtime(true);
        $self->settings = Settings::current();
        $self->check = ListenerCheck::run($self->settings);
        $stats = Stats::get($self->settings);
        $self->counts = $stats['pool'] ?? $stats['process'];
        $self->poolError = $stats['pool_error'];
        $self->backlog = Backlog::of($self->check['buffer_directory'], $self->settings->listenerSocket);
        return $self;
    }

    /** @return array<string, int> the number of calls by result */
    public function results(): array
    {
        $results = [];
        foreach (array_keys(Counters::RESULTS) as $key) {
            $count = $this->counts[$key];
            $results[$key] = is_array($count) ? array_sum($count) : $count;
        }
        return $results;
    }

    public function latency(): Latency
    {
        return new Latency($this->counts['latency_us'], $this->counts['latency_sum_us']);
    }
}
