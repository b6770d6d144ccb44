<?php

namespace Transmit\Status;

/**
 * A bar for each power of two.
 */
final class Chart
{
    public static function html(Latency $latency, int $timeoutUs): string
    {
        $bars = $latency->filled();
        if ($bars === []) {
            return '<p class="what">no calls yet</p>';
        }
        $most = max($bars);
        $rows = '';
        foreach ($bars as $bound => $count) {
            $isLate = !is_int($bound) || $bound > 2 * $timeoutUs; // all of them
            $rows .= '<tr><th scope="row">' . Page::text(Latency::label($bound)) . '</th><td>' . Page::number($count)
                . '</td><td class="bar">' . self::bar($count / $most, $isLate) . "</td></tr>\n";
        }
        $mean = sprintf('%.0F µs', $latency->sumUs / $latency->count());
        $summary = "Half of all calls: {$latency->within(0.5)}; 99 %: {$latency->within(0.99)}; mean: $mean";
        return "<table class=\"chart\">\n$rows</table>\n<p class=\"what\">" . Page::text($summary) . '</p>';
    }

    /** However small, what is there is seen. */
    private static function bar(float $share, bool $isLate): string
    {
        if ($share == 0) {
            return '';
        }
        return '<i' . ($isLate ? ' class="late"' : '') . sprintf(' style="width:%.2F%%"></i>', 100 * $share);
    }
}
