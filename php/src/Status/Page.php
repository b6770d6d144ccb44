<?php

namespace Transmit\Status;

use Transmit\Doctor\Buffer;
use Transmit\Doctor\Finding;
use Transmit\Doctor\Socket;
use Transmit\Doctor\System;
use Transmit\Printable;

/**
 * The counters as a page for a person. Whatever is put into it goes through text().
 */
final class Page
{
    private Snapshot $now;

    public static function html(Snapshot $now): string
    {
        $self = new self();
        $self->now = $now;
        $host = self::text((string) System::ask('php_uname', 'n'));
        $style = file_get_contents(__DIR__ . '/style.css');
        return "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
            . "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
            . "<title>libtransmit on $host</title>\n<style>\n$style</style>\n</head>\n<body>\n"
            . $self->header($host) . ($now->counts === null ? '' : $self->counts()) . $self->state()
            . "<footer>The same for Prometheus: <code>?format=prometheus</code></footer>\n</body>\n</html>\n";
    }

    private function header(string $host): string
    {
        $check = $this->now->check;
        $listener = $check['connectable']
            ? self::badge(Finding::OK, 'listener up')
            : self::badge(Finding::FAIL, 'no listener');
        $mode = $check['mode'] === 'native'
            ? self::badge(Finding::OK, "native {$check['library_version']}")
            : self::badge(Finding::WARN, 'plain PHP');
        return "<header>\n<h1>libtransmit <small>on $host</small></h1>\n<p>$listener $mode</p>\n"
            . '<p class="what">' . self::text($this->whose()) . ' · ' . self::time(time()) . "</p>\n</header>\n";
    }

    private function whose(): string
    {
        $counts = $this->now->counts;
        if ($counts === null) {
            return "Plain PHP counts nothing: {$this->now->check['plain_because']}";
        }
        return $this->now->poolError === ''
            ? 'All processes of ' . System::user() . " since this host started; {$counts['processes']} live"
            : "This process only, {$counts['pid']}, for there is no pool ({$this->now->poolError})";
    }

    private function counts(): string
    {
        $results = $this->now->results();
        return self::tiles($results, $this->now->latency())
            . "<main>\n<div>\n"
            . self::section('Profiles', self::table($results, Counters::RESULTS))
            . self::section('Besides', self::table($this->now->counts, Counters::MORE))
            . "</div>\n<div>\n"
            . self::section('How long calls took', Chart::html($this->now->latency(), $this->now->settings->timeoutUs))
            . self::section('Refused, by cause', $this->causes('refused'))
            . self::section('Lost, by cause', $this->causes('lost'))
            . self::section('Last call that was not sent', self::failure($this->now->counts['last_failure']))
            . "</div>\n</main>\n";
    }

    /** @param array<string, int> $results */
    private static function tiles(array $results, Latency $latency): string
    {
        $tiles = '';
        foreach ($results as $name => $count) {
            $isBad = $count > 0 && in_array($name, ['refused', 'lost'], true);
            $tiles .= '<li' . ($isBad ? ' class="bad"' : '') . '><b>' . self::number($count) . '</b> '
                . self::text($name) . "</li>\n";
        }
        return "<ul class=\"tiles\">\n$tiles<li><b>" . self::text($latency->within(0.99))
            . "</b> 99 % of calls</li>\n</ul>\n";
    }

    private function causes(string $result): string
    {
        $counts = array_filter($this->now->counts[$result]);
        $descriptions = array_fill_keys(array_keys($counts), ''); // of a newer library
        return $counts === []
            ? '<p class="what">none</p>'
            : self::table($counts, array_intersect_key(Counters::CAUSES[$result], $counts) + $descriptions);
    }

    /**
     * @param array<string, mixed> $counts
     * @param array<string, string> $descriptions which of them are shown
     */
    private static function table(array $counts, array $descriptions): string
    {
        $rows = '';
        foreach ($descriptions as $key => $description) {
            $id = self::text($key);
            $name = self::text(str_replace('_', ' ', (string) $key));
            $rows .= "<tr id=\"$id\"><th scope=\"row\">$name</th><td>" . self::number($counts[$key])
                . '</td><td class="what">' . self::text($description) . "</td></tr>\n";
        }
        return "<table>\n$rows</table>";
    }

    /** @param array<string, mixed>|null $failure */
    private static function failure(?array $failure): string
    {
        if ($failure === null) {
            return '<p class="what">none</p>';
        }
        $ago = System::duration(max(0, time() - $failure['time']));
        return '<p>' . self::time($failure['time']) . ', ' . self::text($ago) . ' ago: ' . self::text($failure['text'])
            . ' (' . self::text((string) $failure['result']) . ')</p>';
    }

    /** The socket and the buffer, as the doctor sees them. */
    private function state(): string
    {
        $findings = array_merge(Socket::examine($this->now->settings), Buffer::examine($this->now->settings, false));
        $rows = '';
        foreach ($findings as $finding) {
            $remedy = $finding->remedy === '' ? '' : '<br><strong>→ ' . self::text($finding->remedy) . '</strong>';
            $rows .= '<tr><td>' . self::badge($finding->state, $finding->state) . '</td><th scope="row">'
                . self::text($finding->name) . '</th><td>' . self::text($finding->text) . "$remedy</td></tr>\n";
        }
        return self::section('Socket and buffer', "<table class=\"state\">\n$rows</table>");
    }

    private static function section(string $title, string $content): string
    {
        return '<section>' . "\n<h2>" . self::text($title) . "</h2>\n$content\n</section>\n";
    }

    private static function badge(string $state, string $text): string
    {
        return '<span class="badge ' . self::text($state) . '">' . self::text($text) . '</span>';
    }

    private static function time(int $time): string
    {
        $iso = gmdate('Y-m-d\TH:i:s\Z', $time);
        return "<time datetime=\"$iso\">" . strtr($iso, ['T' => ' ', 'Z' => ' UTC']) . '</time>';
    }

    /** In groups of three, with narrow spaces; the value is for programs. */
    public static function number(int $count): string
    {
        return "<data value=\"$count\">" . number_format($count, 0, '.', "\u{202f}") . '</data>';
    }

    public static function text(string $text): string
    {
        return htmlspecialchars(Printable::line($text), ENT_QUOTES | ENT_SUBSTITUTE, 'UTF-8');
    }
}
