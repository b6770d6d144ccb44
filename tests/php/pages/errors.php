<?php

set_error_handler(function (int $level, string $message): bool {
    echo 'error handler: ', $message, "\n";
    return true;
});
http_response_code(404);
header('Content-Type: text/plain');
echo $undefined, "body\n";
