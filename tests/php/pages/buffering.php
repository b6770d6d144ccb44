<?php

ob_start(function (string $text): string {
    return strtoupper($text);
});
header('X-Page: buffering');
echo "in capitals\n";
ob_start();
echo "never flushed by the page\n";
