#!/usr/bin/env bash
# Tests the installed library as programs use it: C through pkg-config, PHP by requiring the installed files.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
. "$root/tests/fpm.sh"
folder=$(mktemp -d /tmp/transmit-c.XXXXXX)
trap tidy_up EXIT
trap 'exit 130' INT TERM
failed=0

# want compares what a test found with what it wants.
want() {
    [ "$2" = "$3" ] && echo "ok   $1" && return
    printf 'FAIL %s\n     got  %s\n     want %s\n' "$1" "$2" "$3"
    failed=1
}

settings() {
    printf '{"listener_socket": "%s", "buffer_dirs": ["%s"]}' "$1" "$2"
}

# example runs the example program; prints its exit status and its first line.
example() {
    local said status=0
    said=$(LD_LIBRARY_PATH=$prefix/lib "$folder/example" "$@" 2> /dev/null) || status=$?
    printf '%s %s' "$status" "${said%%$'\n'*}"
}

profiles() { find "$folder/buffer" -name 'profile_*.json' | wc -l; }

prefix=$folder/usr
"$root/build.sh" install --prefix "$prefix" 2> "$folder/next"
want 'install says what is next' "$(wc -l < "$folder/next")" 4
want 'nothing installed knows the checkout' "$(grep -rlF "$root" "$prefix" || true)" ''

DESTDIR=$folder/stage "$root/build.sh" install --prefix=/opt/x
want 'DESTDIR has the same files' "$(cd "$folder/stage/opt/x" && find . | sort)" "$(cd "$prefix" && find . | sort)"
want 'and they name the prefix' "$(grep -rlF "$folder" "$folder/stage" || true)" ''

export PKG_CONFIG_PATH=$prefix/lib/pkgconfig
# shellcheck disable=SC2046 # pkg-config prints words
gcc -std=c99 -Wall -Wextra -Werror -D_POSIX_C_SOURCE=200809L "$root/tests/c/example.c" \
    $(pkg-config --cflags --libs transmit) -o "$folder/example"
want 'pkg-config has the version' "$(pkg-config --modversion transmit)" \
    "$("$root/build.sh" version)"
want 'a program needs the soname' "$(LD_LIBRARY_PATH=$prefix/lib ldd "$folder/example" | awk '/transmit/ { print $1, $3 }')" \
    "libtransmit.so.1 $prefix/lib/libtransmit.so.1"

start_listener ''
want 'with a listener' "$(example "$(settings "$folder/listener.sock" "$folder/buffer")")" '0 sent to the listener'
await grep -q count_primes "$folder/heard"
want 'without one' "$(example "$(settings "$folder/nobody" "$folder/buffer")")" '1 written to the disk buffer'
want 'there is one file' "$(profiles)" 1
want 'without a directory either' "$(example "$(settings "$folder/nobody" /proc/none)")" \
    '2 the profile is lost: no buffer directory can be used'
want 'wrong settings' "$(example '{"timeout": 1}')" '3 '

gcc -std=gnu11 -Wall -Wextra -Werror -I"$root/include" "$root/tests/c/log_due.c" -o "$folder/log_due"
want 'log lines are due when transmit.h says' "$("$folder/log_due" && echo so)" so

cat > "$folder/send.php" << END
<?php
function get_profiling_config(): array
{
    return ['listener_socket' => '$folder/listener.sock', 'buffer_dirs' => ['$folder/buffer']];
}
require '$prefix/share/libtransmit/php/transmitter.php';
echo send_profiling_data(['url' => '/from-php']) ? 'sent' : 'not sent', ', ';
echo check_listener_socket()['mode'], check_listener_socket()['plain_because'];
END
want 'installed PHP files' "$(php "$folder/send.php")" 'sent, native'
await grep -q /from-php "$folder/heard"

exit "$failed"
