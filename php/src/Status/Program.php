<?php

namespace Transmit\Status;

use Transmit\Doctor\Access;
use Transmit\Doctor\Application;
use Transmit\Quiet;

/**
 * Answers a request of the status page, as HTML or for Prometheus.
 */
final class Program
{
    public static function page(): void
    {
        if (!Access::isGranted('TRANSMIT_STATUS', '')) {
            return;
        }
        $config = (string) getenv('TRANSMIT_STATUS_CONFIG');
        if (!Application::load($config)) {
            http_response_code(500);
            echo "TRANSMIT_STATUS_CONFIG=$config cannot be read.\n";
            return;
        }
        $isForPrometheus = ($_GET['format'] ?? '') === 'prometheus';
        $text = Quiet::call(static function () use ($isForPrometheus): string {
            return $isForPrometheus ? Prometheus::text(Snapshot::take()) : Page::html(Snapshot::take(), $_GET);
        }, null);
        if ($text === null) {
            http_response_code(500);
            echo "A defect of this page: see PHP's log.\n";
            return;
        }
        header('Content-Type: ' . ($isForPrometheus ? Prometheus::CONTENT_TYPE : 'text/html; charset=utf-8'));
        header("Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'");
        echo $text;
    }
}
