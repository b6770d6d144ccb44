<?php

/**
 * A login as many applications have it: POST remembers the visitor in the session and leads on to a page that
 * wants to know them. PHP writes the session when the script has ended. The page makes many different calls, as
 * those of frameworks do, so that there is something to summarise.
 */

session_start();
$code = '';
for ($i = 0; $i < 500; $i++) {
    $code .= "function f$i(\$n) { return \$n > 0 ? f" . ($i * 7 + 1) % 500 . "(\$n - 1) + strlen('$i') : 0; }\n";
}
eval($code);
$sum = 0;
for ($i = 0; $i < 500; $i += 3) {
    $sum += ("f$i")(5);
}
if ($_SERVER['REQUEST_METHOD'] === 'POST') {
    $_SESSION['user'] = file_get_contents('php://input');
    http_response_code(302);
    header('Location: /login');
} else {
    echo $_SESSION['user'] ?? 'nobody';
}
