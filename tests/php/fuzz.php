<?php

/**
 * Random PHP values, sent natively and in plain PHP. See Fuzzer for what must be so.
 *
 * When one of these is taken out of php/src/, it finds that, mostly within a minute:
 *
 *     shared and doubled arrays, rows that share     Piece: the end of a look, the price of an array's items;
 *     a million numbers, few rows of long texts      Modest: the number of fields, the length of texts
 *     millions of numbers, a map of millions of      Encoder: the clock after each piece, no copy of a profile;
 *     keys, before the time or memory_limit is up    TrySend: no copy; Piece: BYTES; Memory: a third of the rest
 *     millions of queries, with and without time_ms  ShrinkPlan: the clock, CANDIDATES, FIELDS
 *     a large stdClass, ArrayObject; many closures   ObjectFields
 *     ArrayAccess, Countable, Traversable, magic     Modest and ShrinkPlan: only arrays are read; ObjectFields: a cast
 *     keys that begin with NUL, or are 0             Encoder: chunks; ObjectFields: isPublic()
 *     nesting of hundreds of levels, over 512        Piece: CREDIT, levels; Encoder and Replay: MAX_DEPTH
 *     integers that overflow a budget or an age      Deadline: MAX_US; Cleanup
 *     references and objects that hold themselves    Piece and Encoder: the path, also after much that was no piece
 *     jsonSerialize that throws, exits, suspends,    Quiet: log line, destructor, keepWarning(); LargeProfile: another
 *     warns, or is called twice                      try, cut; Serialized
 *     "sql" and "xhprof" in objects                  ShrinkPlan: items(), first()
 *     json_last_error()                              JsonError
 *
 *     php tests/php/fuzz.php SECONDS [SEED]   begins with the value of SEED; one value at least
 */

namespace Fuzz;

use Transmit\Test\Scratch;

require __DIR__ . '/Scratch.php';
require __DIR__ . '/Listener.php';
require __DIR__ . '/fuzz_objects.php';
require __DIR__ . '/fuzz_values.php';
require __DIR__ . '/fuzz_profiles.php';
require __DIR__ . '/fuzz_expected.php';
require __DIR__ . '/Fuzzer.php';
require __DIR__ . '/fuzz_config.php';
require __DIR__ . '/../../php/transmitter.php';

ini_set('memory_limit', '2G');
Scratch::begin();
$fuzzer = new Fuzzer(Scratch::folder());
$seed = (int) ($argv[2] ?? crc32(uniqid('', true)));
$end = microtime(true) + (float) ($argv[1] ?? 10);
for ($count = 1; $fuzzer->check($seed) && microtime(true) < $end; $count++) {
    $seed++;
}
printf("fuzz: %d values, native and plain, up to seed %d\n", $count, $seed);
