<?php

namespace Transmit\Status;

/**
 * Draws the latency histogram: a bar for each power of two, and a line at the timeout.
 */
final class Chart
{
    public static function html(Latency $latency, int $timeoutUs): string
    {
        $bars = $latency->filled($timeoutUs);
        if ($bars === []) {
            return '<p class="what">no calls yet</p>';
        }
        $most = max($bars);
        $rows = '';
        foreach ($bars as $bound => $count) {
            $isLate = !is_int($bound) || $bound > 2 * $timeoutUs; // all its calls are late
            $rows .= '<tr><th scope="row">' . Page::text(Latency::label($bound)) . '</th><td>' . Page::number($count)
                . '</td><td class="bar">' . self::bar($count / $most, $isLate) . self::limit($bound, $timeoutUs)
                . "</td></tr>\n";
        }
        return "<table class=\"chart\">\n$rows</table>";
    }

    /**
     * The line at the timeout: a part of the bar whose range includes it.
     *
     * @param int|string $bound
     */
    private static function limit($bound, int $timeoutUs): string
    {
        if (!is_int($bound) || $timeoutUs > $bound || $timeoutUs <= $bound / 2) {
            return '';
        }
        $height = 100 * ($timeoutUs / $bound * 2 - 1);
        $limit = Latency::duration($timeoutUs);
        return sprintf('<b class="limit" style="top:%.0F%%">limit %s</b>', $height, $limit);
    }

    /** A count above 0 has a visible bar, however small its share is. */
    private static function bar(float $share, bool $isLate): string
    {
        if ($share == 0) {
            return '';
        }
        return '<i' . ($isLate ? ' class="late"' : '') . sprintf(' style="width:%.2F%%"></i>', 100 * $share);
    }
}
