<?php

function fibonacci(int $n): int
{
    return $n < 2 ? $n : fibonacci($n - 1) + fibonacci($n - 2);
}

header('X-Page: work');
echo 'fibonacci ', fibonacci(12), "\n";
