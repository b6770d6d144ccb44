<?php

/**
 * Computes what the generated profiles must become, in a simple and slow way. Prints a JSON object, in one line, for
 * each of them:
 *
 *   json       as a C program sends it; null if it has binary strings
 *   whole      all but _meta
 *   cut        all but _meta, shrunk
 *   marks      those that are then in _meta
 *
 * With the argument "reference": what the reference makes of them, where the library differs from it.
 */

require __DIR__ . '/scripts/documents.php';

function encode(array $document, bool $asReference): string
{
    $flags = JSON_UNESCAPED_SLASHES | JSON_PARTIAL_OUTPUT_ON_ERROR;
    return json_encode($document, $asReference ? $flags : $flags | JSON_INVALID_UTF8_SUBSTITUTE);
}

function first_fifty(array $functions): array
{
    $kept = [];
    foreach ($functions as $key => $function) {
        if (count($kept) < 50) {
            $kept[$key] = $function;
        }
    }
    return $kept;
}

/** Takes the slowest out, a hundred times; of equally slow ones, the first. */
function hundred_slowest(array $queries): array
{
    $slowest = [];
    while (count($slowest) < 100) {
        $found = null;
        foreach ($queries as $key => $query) {
            if ($found === null || (float) ($query['time_ms'] ?? 0) > (float) ($queries[$found]['time_ms'] ?? 0)) {
                $found = $key;
            }
        }
        $slowest[] = $queries[$found];
        unset($queries[$found]);
    }
    return $slowest;
}

function expectation(array $document, bool $asReference): array
{
    $json = @json_encode($document, JSON_UNESCAPED_SLASHES);
    unset($document['_meta']);
    $whole = encode($document, $asReference);
    $marks = [];
    $functions = $document['xhprof']['profiling']['top_functions'];
    if ($asReference || count($functions) > 50) {
        $document['xhprof']['profiling']['top_functions'] = first_fifty($functions);
        $marks[] = 'truncated';
    }
    if (count($document['sql']['queries']) > 100) {
        $document['sql']['queries'] = hundred_slowest($document['sql']['queries']);
        $marks[] = 'sql_truncated';
    }
    $cut = encode($document, $asReference);
    return ['json' => $json === false ? null : $json, 'whole' => $whole, 'cut' => $cut, 'marks' => $marks];
}

for ($n = 0; $n < 200; $n++) {
    echo json_encode(expectation(document($n), ($argv[1] ?? '') === 'reference'), JSON_THROW_ON_ERROR), "\n";
}
