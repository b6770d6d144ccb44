#!/usr/bin/env bash
# Runs what the pages show, in a copy of the checkout: the blocks of sh and php are run, those of c are compiled, and
# those of ini configure a php-fpm. A temporary folder replaces /usr/local.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
. "$root/tests/fpm.sh"
folder=$(mktemp -d /tmp/transmit-readme.XXXXXX)
trap "end_telegraf; tidy_up" EXIT
trap 'exit 130' INT TERM
chmod 755 "$folder"
mkdir "$folder/checkout" "$folder/tmp" "$folder/buffer"
export PREFIX=$folder/usr TMPDIR=$folder/tmp BUFFER_DIRECTORY=$folder/buffer

# blocks writes each fenced block of the pages to $folder/NN.language.
blocks() {
    awk -v folder="$folder" '
        /^```./ { file = sprintf("%s/%03d.%s", folder, ++n, substr($0, 4)); next }
        /^```/ { file = "" }
        file { print > file }' "$root"/{README,php/README,tests/listeners/README}.md "$root"/docs/*.md
    sed -i "s|/usr/local|$PREFIX|g" "$folder"/*.{php,ini,c}
}

# run_sh runs all sh blocks as one session of a reader. It does not test, soak or bench, in a test.
run_sh() {
    local line
    (
        cd "$folder/checkout"
        { echo "trap 'kill %1' EXIT"; sed -E '/^\.\/build\.sh (test|soak .*|bench)$/d' "$folder"/*.sh; } > "$folder/session"
        timeout 600 bash -euxo pipefail "$folder/session"
    ) > "$folder/said" 2>&1 || { cat "$folder/said"; return 1; }
    # The last one came by way of Telegraf's file.
    for line in 'bool\(true\)' 'sent to the listener' '/primes' '^\{.*"first".*\}$'; do
        grep -qE "$line" "$folder/said" || { cat "$folder/said"; echo "FAIL: no line like $line"; return 1; }
    done
    end_telegraf
}

end_telegraf() {
    local pid
    pid=$(cat "$folder/checkout/build/telegraf/pid" 2> /dev/null) || return 0
    kill "$pid" 2> /dev/null || true
}

# config is what get_profiling_config() returns in the blocks that do not define it.
config() {
    cat << END
<?php
function get_profiling_config(): array
{
    return ['listener_socket' => '$folder/listener.sock', 'buffer_dirs' => ['$folder/buffer']];
}
END
}

run_php() {
    local block=$1 start='<?php'
    grep -q 'function get_profiling_config' "$block" || start=$(config)
    printf '%s\n' "$start" "$(cat "$block")" > "$block.run"
    php -d error_reporting=-1 -d display_errors=stderr "$block.run"
}

run_c() {
    # shellcheck disable=SC2046 # pkg-config prints words
    gcc -std=c99 -Wall -Wextra -Werror "$1" $(PKG_CONFIG_PATH=$PREFIX/lib/pkgconfig pkg-config --cflags --libs transmit) \
        -Wl,-rpath,"$PREFIX/lib" -o "$1.run"
}

# run_ini starts php-fpm with the block: the library has to be used.
run_ini() {
    local page lines
    config > "$folder/page.php"
    echo "require '$PREFIX/share/libtransmit/php/transmitter.php'; echo check_listener_socket()['mode'];" >> "$folder/page.php"
    [ "$(id -u)" = 0 ] && lines=$(cat "$1") || lines=$(grep -v preload_user "$1")
    start_fpm "$lines"
    page=$(request "$folder/page.php" /page | tail -n 1)
    [ "$page" = native ] || { echo "not native: $page"; return 1; }
    [[ $lines != *auto_prepend_file* ]] || await grep -q /page "$folder/heard"
    kill "$fpm"
    wait "$fpm" || true
    rm -f "$folder/fpm.sock"
}

tar -C "$root" --exclude=./build --exclude=./.git -c . | tar -C "$folder/checkout" -x
blocks
run_sh
start_listener ''
for block in "$folder"/[0-9]*.{c,php,ini}; do
    "run_${block##*.}" "$block" || { echo "FAIL: this block of a page:"; cat "$block"; exit 1; }
    echo "ok $(basename "$block")"
done
await grep -q b1946ac92492 "$folder/heard"
