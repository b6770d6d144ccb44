#!/usr/bin/env bash
# What a call costs, in medians, beside a bare send(2) and beside plain PHP.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
folder=$(mktemp -d /tmp/transmit-bench.XXXXXX)
trap 'rm -rf "$folder"' EXIT
trap 'exit 130' INT TERM

# table adds a column: how many times the first way of the same size it takes.
table() {
    awk 'BEGIN { printf "%10s  %-10s %10s %8s\n", "bytes", "way", "us a call", "ratio" }
        $1 != size { size = $1; first = $3 }
        { printf "%10d  %-10s %10.2f %8.2f\n", $1, $2, $3 / 1000, $3 / first }'
}

gcc -O2 -I"$root/include" "$root/tests/bench/bench.c" -L"$root/build" -ltransmit -Wl,-rpath,"$root/build" \
    -o "$folder/bench"
echo "C: transmit_send_with(TRANSMIT_TRUSTED) and transmit_send, beside send(2) on a connected socket"
"$folder/bench" "$folder/s" > "$folder/c"
table < "$folder/c"

export BENCH_REFERENCE=${BENCH_REFERENCE:-$root/../shared/reference/transmitter.php}
mkdir "$folder/php"
echo
echo "PHP $(php -r 'echo PHP_VERSION;'), nanoseconds: row, way, median"
php -d ffi.enable=1 -d opcache.enable_cli=1 -d opcache.file_update_protection=0 "$root/tests/bench/bench.php" "$folder/php" |
    while IFS=$'\t' read -r row way numbers; do
        [ -z "$numbers" ] || printf '%s\t%s\t%s\n' "$row" "$way" \
            "$(tr '\t' '\n' <<< "$numbers" | sort -n | awk '{ all[NR] = $1 } END { print all[int((NR + 1) / 2)] }')"
    done
