<?php

namespace Transmit\Status;

use Transmit\Printable;

/**
 * The values of the status page in Prometheus' text format 0.0.4.
 */
final class Prometheus
{
    public const CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

    private string $text = '';

    /**
     * Labels of all series. If the processes share no counters, each has series of its own, with its pid. Otherwise two
     * scrapes that different workers answer would mix their counts.
     *
     * @var array<string, string>
     */
    private array $labels = [];

    public static function text(Snapshot $now): string
    {
        $self = new self();
        $self->gauge('transmit_listener_up', 'Whether a listener can be reached.', (int) $now->check['connectable'], [
            'socket' => $now->check['socket_path'],
        ]);
        $self->gauge('transmit_library_info', 'Native, or plain PHP, which counts nothing, and why.', 1, [
            'mode' => $now->check['mode'],
            'version' => $now->check['library_version'],
            'reason' => $now->check['plain_because'],
        ]);
        $self->backlog($now->backlog);
        if ($now->counts !== null) {
            $self->counts($now);
        }
        return $self->text;
    }

    private function backlog(Backlog $backlog): void
    {
        $this->gauge('transmit_buffer_files', 'Profiles that wait in the disk buffer.', $backlog->files);
        $this->gauge('transmit_buffer_bytes', 'Their size; an estimate where there are very many.', $backlog->bytes);
        if ($backlog->since !== null) {
            $this->gauge('transmit_buffer_oldest_timestamp_seconds', 'When the oldest was written.', $backlog->since);
        }
    }

    private function counts(Snapshot $now): void
    {
        $counts = $now->counts;
        $hasPool = $now->poolError === '';
        $this->gauge('transmit_pool_up', 'Whether these are the counts of all processes of this user.', (int) $hasPool);
        if ($hasPool) {
            $this->gauge('transmit_processes', 'Processes that count.', $counts['processes']);
        } else {
            $this->labels = ['pid' => (string) $counts['pid']];
        }
        $this->byLabel('transmit_profiles_total', 'Calls, by what became of the profile.', 'result', $now->results());
        foreach (array_keys(Counters::CAUSES) as $result) {
            $this->byLabel("transmit_{$result}_total", Counters::RESULTS[$result], 'cause', $counts[$result]);
        }
        foreach (Counters::MORE as $key => $help) {
            $this->head("transmit_{$key}_total", $help, 'counter');
            $this->sample("transmit_{$key}_total", (string) $counts[$key]);
        }
        $this->histogram('transmit_call_duration_seconds', 'How long calls took.', $now->latency());
        if ($counts['last_sent'] !== null) {
            $help = 'When a call last sent its profile.';
            $this->gauge('transmit_last_sent_timestamp_seconds', $help, $counts['last_sent']);
        }
        if ($counts['last_failure'] !== null) {
            $help = 'When a call last did not send.';
            $this->gauge('transmit_last_failure_timestamp_seconds', $help, $counts['last_failure']['time']);
        }
    }

    /** @param array<string, string> $labels */
    private function gauge(string $name, string $help, int $value, array $labels = []): void
    {
        $this->head($name, $help, 'gauge');
        $this->sample($name, (string) $value, $labels);
    }

    /** @param array<string, int> $counts by the label's value */
    private function byLabel(string $name, string $help, string $label, array $counts): void
    {
        $this->head($name, $help, 'counter');
        foreach ($counts as $value => $count) {
            $this->sample($name, (string) $count, [$label => (string) $value]);
        }
    }

    private function histogram(string $name, string $help, Latency $latency): void
    {
        $this->head($name, $help, 'histogram');
        foreach ($latency->cumulative() as $bound => $count) {
            $this->sample("{$name}_bucket", (string) $count, ['le' => is_int($bound) ? self::seconds($bound) : $bound]);
        }
        $this->sample("{$name}_sum", self::seconds($latency->sumUs));
        $this->sample("{$name}_count", (string) $latency->count());
    }

    private function head(string $name, string $help, string $type): void
    {
        $help = strtr($help, ['\\' => '\\\\', "\n" => '\n']);
        $this->text .= "# HELP $name $help\n# TYPE $name $type\n";
    }

    /** @param array<string, string> $labels */
    private function sample(string $name, string $value, array $labels = []): void
    {
        $pairs = [];
        foreach ($this->labels + $labels as $label => $text) {
            $pairs[] = "$label=\"" . self::escaped($text) . '"';
        }
        $this->text .= $name . ($pairs === [] ? '' : '{' . implode(',', $pairs) . '}') . " $value\n";
    }

    /** A label must be UTF-8, and a path may have any bytes. */
    private static function escaped(string $text): string
    {
        $valid = (string) json_decode((string) json_encode(Printable::line($text), JSON_INVALID_UTF8_SUBSTITUTE));
        return strtr($valid, ['\\' => '\\\\', '"' => '\"', "\n" => '\n']);
    }

    /** Microseconds as seconds, with a decimal point in every locale. */
    private static function seconds(int $us): string
    {
        return sprintf('%d.%06d', intdiv($us, 1000000), $us % 1000000);
    }
}
