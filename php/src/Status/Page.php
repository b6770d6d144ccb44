<?php

namespace Transmit\Status;

use Transmit\Doctor\Buffer;
use Transmit\Doctor\Finding;
use Transmit\Doctor\Socket;
use Transmit\Doctor\System;
use Transmit\Printable;

/**
 * The status page as HTML. All texts are escaped by text(). Each number appears once.
 */
final class Page
{
    /** Seconds until the page reloads itself: soon at first, because rates need two times of counting. */
    private const SECONDS = 10;
    private const FIRST_SECONDS = 2;

    private Snapshot $now;

    private ?Rates $rates = null;

    /** @param array<string, mixed> $query of the page's address */
    public static function html(Snapshot $now, array $query): string
    {
        $self = new self();
        $self->now = $now;
        $before = $query['since'] ?? '';
        if ($now->counts !== null && is_string($before)) {
            $self->rates = Rates::since($before, $now->results(), $now->time);
        }
        $host = self::text((string) System::ask('php_uname', 'n'));
        $style = file_get_contents(__DIR__ . '/style.css');
        $socket = Socket::examine($now->settings);
        return "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
            . "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
            . (isset($query['pause']) ? '' : $self->refresh()) . "<title>libtransmit on $host</title>\n"
            . "<style>\n$style</style>\n</head>\n<body>\n" . $self->header($host, isset($query['pause']))
            . self::verdict(Verdict::of($now, $socket)) . $self->tiles() . "<main>\n<div>\n" . $self->counts()
            . $self->place() . "</div>\n<div>\n" . $self->chart() . $self->warnings($socket) . "</div>\n</main>\n"
            . "<footer>For Prometheus: <a href=\"?format=prometheus\">?format=prometheus</a></footer>\n"
            . "</body>\n</html>\n";
    }

    private function refresh(): string
    {
        $seconds = $this->rates === null ? self::FIRST_SECONDS : self::SECONDS;
        $since = $this->now->counts === null ? '' : Rates::mark($this->now->results(), $this->now->time);
        return "<meta http-equiv=\"refresh\" content=\"$seconds;url=?since=$since\">\n";
    }

    private function header(string $host, bool $isPaused): string
    {
        $switch = $isPaused ? '<a href="?">resume updates</a>' : '<a href="?pause">pause updates</a>';
        return "<header>\n<h1>libtransmit <small>on $host</small></h1>\n<p class=\"what\">" . self::text($this->whose())
            . ' · ' . self::time((int) $this->now->time) . " · $switch</p>\n</header>\n";
    }

    private function whose(): string
    {
        $counts = $this->now->counts;
        if ($counts === null) {
            return "Plain PHP counts nothing: {$this->now->check['plain_because']}";
        }
        return $this->now->poolError === ''
            ? 'All processes of ' . System::user() . " since this machine started; {$counts['processes']} running"
            : "This process only, {$counts['pid']}, for there is no pool ({$this->now->poolError})";
    }

    private static function verdict(Verdict $verdict): string
    {
        return "<section class=\"verdict $verdict->state\">\n<h2>" . self::text($verdict->headline) . "</h2>\n"
            . ($verdict->why === '' ? '' : '<p>' . self::text($verdict->why) . "</p>\n")
            . ($verdict->remedy === '' ? '' : '<p class="remedy">' . self::text(ucfirst($verdict->remedy)) . "</p>\n")
            . "</section>\n";
    }

    private function tiles(): string
    {
        $backlog = $this->now->backlog;
        $waiting = $backlog->files === 0 ? '' : System::bytes($backlog->bytes)
            . ($backlog->since === null ? '' : ', the oldest since ' . $this->when($backlog->since));
        $tiles = self::tile('waiting', 'Waiting on disk', self::number($backlog->files), self::text($waiting))
            . ($this->now->counts === null ? '' : $this->tilesOfCounts());
        return "<ul class=\"tiles\">\n$tiles</ul>\n";
    }

    private function tilesOfCounts(): string
    {
        ['last_sent' => $sent, 'last_failure' => $failure] = $this->now->counts;
        $rates = $this->rates;
        $latency = $this->now->latency();
        return self::tile('last-sent', 'Last sent', $this->ago($sent), $sent === null ? '' : self::time($sent))
            . self::tile('last-failure', 'Last not sent', $this->ago($failure['time'] ?? null), $failure === null ? ''
                : self::time($failure['time']) . '<br>' . self::text($failure['text']))
            . self::tile('rate', 'Sent a second', $rates === null ? '…' : self::rate($rates->sent), self::text(
                $rates === null ? 'from the second look on' : self::rate($rates->buffered) . ' to disk, '
                    . self::rate($rates->lost) . sprintf(' lost; over %.0F s', $rates->seconds)
            ))
            . self::tile('latency', '99 % of calls', self::text($latency->within(0.99)), $latency->count() === 0 ? ''
                : self::text("half {$latency->within(0.5)}, mean "
                    . Latency::duration((int) round($latency->sumUs / $latency->count()))));
    }

    private static function tile(string $id, string $name, string $value, string $more): string
    {
        return "<li id=\"$id\"><span>$name</span> <b>$value</b> <small>$more</small></li>\n";
    }

    private function counts(): string
    {
        return $this->now->counts === null ? '' : self::section('Profiles', '<table>' . $this->rows() . '</table>');
    }

    private function chart(): string
    {
        return $this->now->counts === null ? '' : self::section(
            'How long calls took',
            Chart::html($this->now->latency(), $this->now->settings->timeoutUs)
        );
    }

    /** A counter that is 0 has no row, unless a reader expects it. */
    private function rows(): string
    {
        $results = $this->now->results();
        $bytes = ['sent' => 'sent_bytes', 'buffered' => 'buffered_bytes'];
        $rows = '';
        foreach (Counters::RESULTS as $key => $what) {
            if ($results[$key] > 0 || $key !== 'pending') {
                $size = isset($bytes[$key]) ? self::bytes($bytes[$key], $this->now->counts[$bytes[$key]]) : '';
                $rows .= self::row($key, $results[$key], $what, $size) . $this->causes($key);
            }
        }
        foreach (array_diff_key(Counters::MORE, array_flip($bytes)) as $key => $what) {
            $rows .= $this->now->counts[$key] === 0 ? '' : self::row($key, $this->now->counts[$key], $what);
        }
        return $rows;
    }

    /** The rows of a result's causes. A single cause has no number, because it is the same as the result's. */
    private function causes(string $result): string
    {
        $counts = isset(Counters::CAUSES[$result]) ? array_filter($this->now->counts[$result]) : [];
        $rows = '';
        foreach ($counts as $key => $count) {
            $what = Counters::CAUSES[$result][$key] ?? ''; // of a newer library
            $rows .= self::row($key, count($counts) === 1 ? null : $count, $what, '', 'cause');
        }
        return $rows;
    }

    private static function row(string $key, ?int $count, string $what, string $size = '', string $class = ''): string
    {
        $name = self::text(str_replace('_', ' ', $key));
        $isBad = $count > 0 && in_array($key, ['refused', 'lost', 'lost_later'], true);
        return '<tr id="' . self::text($key) . '"' . ($class === '' ? '' : " class=\"$class\"")
            . "><th scope=\"row\">$name</th><td class=\"count" . ($isBad ? ' bad' : '') . '">'
            . ($count === null ? '' : self::number($count)) . "</td><td class=\"size\">$size</td><td class=\"what\">"
            . self::text($what) . "</td></tr>\n";
    }

    /** The section on the listener, the buffer directory and the library. */
    private function place(): string
    {
        $check = $this->now->check;
        $directory = $this->now->backlog->directory;
        $free = $directory === null ? null : System::ask('disk_free_space', $directory);
        $isUp = $check['connectable'];
        $folder = $directory . (is_float($free) ? ', ' . System::bytes($free) . ' free' : '');
        $rows = [
            'Listener' => [$check['socket_path'], $isUp ? 'ok' : 'fail', $isUp ? 'up' : 'away'],
            'Buffer' => [$folder, $directory === null ? 'fail' : '', 'no usable directory'],
            'Library' => $check['mode'] === 'native' ? ["native, version {$check['library_version']}", '', '']
                : ['', 'warn', 'plain PHP'],
        ];
        $html = '';
        foreach ($rows as $name => [$text, $state, $word]) {
            $html .= "<dt>$name</dt><dd>" . ($state === '' ? '' : self::badge($state, $word) . ' ') . self::text($text)
                . "</dd>\n";
        }
        return self::section('Where they go', "<dl>\n$html</dl>");
    }

    /**
     * The doctor's warnings, without the failure that the first sentence names.
     *
     * @param list<Finding> $socket
     */
    private function warnings(array $socket): string
    {
        $directory = $this->now->backlog->directory;
        $items = '';
        foreach (array_merge($socket, Buffer::examine($this->now->settings, false)) as $finding) {
            if ($finding->state === Finding::OK || $finding->state === Finding::FAIL) {
                continue;
            }
            $hasBacklog = $directory !== null && strpos($finding->text, "$directory: ") === 0; // its numbers are above
            $items .= '<li>' . self::badge($finding->state, $finding->name) . ' '
                . self::text($hasBacklog ? $directory : $finding->text)
                . '<p class="remedy">' . self::text(ucfirst($finding->remedy)) . "</p></li>\n";
        }
        return $items === '' ? '' : self::section('To mend', "<ul class=\"warnings\">\n$items</ul>");
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

    /** A time, with its date unless that is today. */
    private function when(int $time): string
    {
        $isToday = gmdate('Ymd', $time) === gmdate('Ymd', (int) $this->now->time);
        return gmdate($isToday ? 'H:i:s' : 'Y-m-d H:i:s', $time) . ' UTC';
    }

    private function ago(?int $time): string
    {
        return $time === null ? 'never' : System::duration(max(0, (int) $this->now->time - $time)) . ' ago';
    }

    /** A number in groups of three digits. Its attribute "value" is for programs. */
    public static function number(int $count): string
    {
        return "<data value=\"$count\">" . number_format($count, 0, '.', "\u{202f}") . '</data>';
    }

    private static function bytes(string $id, int $count): string
    {
        return $count === 0 ? '' : "<data id=\"$id\" value=\"$count\">" . System::bytes($count) . '</data>';
    }

    private static function rate(float $perSecond): string
    {
        return $perSecond === 0.0 ? '0' : sprintf($perSecond < 10 ? '%.1F' : '%.0F', max(0.1, $perSecond));
    }

    public static function text(string $text): string
    {
        return htmlspecialchars(Printable::line($text), ENT_QUOTES | ENT_SUBSTITUTE, 'UTF-8');
    }
}
