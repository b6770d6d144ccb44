<?php

/**
 * Generated profiles: document($n) is the same in every process.
 */

const LIMIT = 65507;

function document(int $n): array
{
    mt_srand(20000 + $n);
    $binary = $n % 5 === 4;
    $document = ['id' => "doc$n", 'elapsed_ms' => mt_rand(0, 1000000) / 1000, 'more' => anything(4, $binary)];
    if ($n % 7 === 3) {
        $document['_meta'] = ['of' => 'the caller', 'truncated' => true];
    }
    $document['xhprof'] = ['note' => text($binary), 'profiling' => ['top_functions' => functions(), 'after' => 1.0]];
    $document['sql'] = ['count' => mt_rand(0, 9), 'queries' => queries($binary)];
    $document['nested'] = ['_meta' => ['not' => 'ours'], 'sql' => ['queries' => range(1, 120)]];
    return pad($document, $n);
}

/** Every other one is near or over the limit, and the first 30 are within bytes of it. */
function pad(array $document, int $n): array
{
    $room = LIMIT - strlen((string) json_encode($document, JSON_UNESCAPED_SLASHES | JSON_INVALID_UTF8_SUBSTITUTE));
    $meta = strlen(',"_meta":{"timestamp":1700000000.1234,"php_version":"","transmitter_version":"1.0"}' . PHP_VERSION)
        + strlen(',"id":"0123456789abcdef"');
    if ($n < 30) {
        $size = $room - $meta - strlen(',"pad":""') + $n - 15;
    } else {
        $size = pick([0, 10, 1000, 40000, 60000, 64000, 70000, 200000]);
    }
    return $size > 0 ? $document + ['pad' => str_repeat('p', $size)] : $document;
}

/** A list or a map. */
function functions(): array
{
    $functions = [];
    $isMap = mt_rand(0, 1) === 1;
    for ($i = 0, $count = pick([0, 1, 49, 50, 51, 60, 100, 300]); $i < $count; $i++) {
        $name = 'App\\Module' . mt_rand(0, 99) . "::method$i";
        $item = ['fn' => $name, 'wt' => mt_rand(0, 99999), 'ct' => mt_rand(1, 9)];
        $functions[$isMap ? $name : $i] = $item;
    }
    return $functions;
}

/** With ties, and with time_ms missing, null, a whole number or in quotation marks. */
function queries(bool $binary): array
{
    $queries = [];
    for ($i = 0, $count = pick([0, 1, 50, 51, 99, 100, 101, 102, 150, 700]); $i < $count; $i++) {
        $query = ['sql' => "SELECT $i " . text($binary && $i % 10 === 0)];
        $time = pick(['missing', null, 0, 7, 7.0, 7.25, -1.5, '12.5', 12.5, mt_rand(0, 50) / 4, 1e3]);
        if ($time !== 'missing') {
            $query['time_ms'] = $time;
        }
        $queries[] = $query + ['rows' => mt_rand(0, 5)];
    }
    return $queries;
}

/** @return mixed */
function anything(int $depth, bool $binary)
{
    switch (mt_rand(0, $depth > 0 ? 8 : 5)) {
        case 0:
            return null;
        case 1:
            return mt_rand(0, 1) === 1;
        case 2:
            return mt_rand(-1000000, 1000000);
        case 3:
            return mt_rand(-1000000, 1000000) / 8192;
        case 4:
            return pick([0.1, 1.0E+25, -0.0, 1.5e-9, PHP_INT_MAX, PHP_INT_MIN, '', 'a/b', "\u{2028}", []]);
        case 5:
            return text($binary);
    }
    $values = [];
    for ($i = 0, $count = mt_rand(0, 6), $isList = mt_rand(0, 1) === 1; $i < $count; $i++) {
        $values[$isList ? $i : pick(['a', 'ä', '"', '\\', 'sql', 'xhprof', '']) . $i] = anything($depth - 1, $binary);
    }
    return $values;
}

function text(bool $binary): string
{
    $parts = ['word', ' ', "\n", "\t", '"', '\\', '/', 'é', '€', '😀', "\u{0}", '<tag>', "it's", '名前'];
    $text = '';
    for ($i = mt_rand(0, 12); $i > 0; $i--) {
        $text .= pick($parts);
    }
    return $text . ($binary ? "\xff\xc3(\xe2\x82" : '');
}

/** @return mixed */
function pick(array $from)
{
    return $from[mt_rand(0, count($from) - 1)];
}
