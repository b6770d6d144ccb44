#!/usr/bin/env bash
# Shows a PHP application in php-fpm, its profiles, and a listener that is killed and started again.
# ./build.sh demo runs it.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
. "$root/tests/fpm.sh"
folder=$(mktemp -d /tmp/transmit-demo.XXXXXX)
trap tidy_up EXIT
trap 'exit 130' INT TERM
chmod 755 "$folder" # the workers are another user

# set_up installs the library as a site would, beside the application.
set_up() {
    "$root/build.sh" install --prefix "$folder/usr" 2> /dev/null
    cp -r "$root/tests/demo/app" "$folder/app"
    mkdir "$folder/buffer"
    touch "$folder/php.log"
    [ "$(id -u)" != 0 ] || chown "$(worker_user)" "$folder/buffer" "$folder/php.log"
    cat > "$folder/config.php" << END
<?php

function get_profiling_config(): array
{
    return ['listener_socket' => '$folder/listener.sock', 'buffer_dirs' => ['$folder/buffer']];
}
require '$folder/usr/share/libtransmit/php/auto_prepend.php';
END
}

# recipe is what a site puts into php.ini: README.md, "PHP-FPM".
recipe() {
    local php=$folder/usr/share/libtransmit/php
    cat << END
ffi.enable = preload
ffi.preload = $php/transmit_ffi.h
opcache.enable = 1
opcache.preload = $php/preload.php
auto_prepend_file = $folder/config.php
error_log = $folder/php.log
log_errors = 1
END
    [ "$(id -u)" != 0 ] || echo "opcache.preload_user = $(worker_user)"
}

# get requests the application's page and tells how that went for its visitor.
get() {
    local start=$EPOCHREALTIME page
    page=$(request "$folder/app/index.php" /plan "months=$1")
    grep -q '^Plan' <<< "$page" || { echo "$page"; return 1; }
    echo "  visitor   GET /plan?months=$1: ${#page} bytes in $(since "$start")"
}

# since prints how long ago the EPOCHREALTIME $1 was.
since() {
    local us=$((${EPOCHREALTIME/[.,]/} - ${1/[.,]/}))
    printf '%d.%d ms' $((us / 1000)) $((us / 100 % 10))
}

# show_heard prints what the listener said about the next profile. A sampling profiler may have seen any number of functions.
show_heard() {
    shown=$((${shown-0} + 1))
    await heard_profiles "$shown"
    awk -v wanted="$shown" '/^[^ ]/ { n++ } n == wanted' "$folder/heard" | sed 's/^/  listener  /; s/  listener      /            /'
}

heard_profiles() { [ "$(grep -c '^[^ ]' "$folder/heard")" -ge "$1" ]; }

buffered() { compgen -G "$folder/buffer/profile_*.json" > /dev/null; }

show_buffer() {
    await buffered
    local file made
    for file in "$folder"/buffer/profile_*.json; do
        made=$(sed 's/.*"timestamp":\([0-9.]*\).*/\1/' "$file")
        # A file's time is as coarse as the kernel's tick, 10 ms at most.
        printf '  on disk   %s, %s bytes, %.0f ms at most on its way\n' "$(basename "$file")" "$(stat -c %s "$file")" \
            "$(awk -v there="$(stat -c %.6Y "$file")" -v made="$made" 'BEGIN { print (there - made) * 1000 + 10 }')"
    done
    await grep -q Profiler: "$folder/php.log"
    sed "s|^\[[^]]*\]|  PHP's log|; s|$folder|…|g" "$folder/php.log"
}

set_up
start_fpm "$(recipe)"
start_listener ''
echo "php-fpm $(php -r 'echo PHP_VERSION;') runs an application of $(cat "$folder"/app/*.php | wc -l) lines with two workers;"
echo "its master has $(awk '/^Threads:/ { print $2 }' "/proc/$fpm/status") thread. A listener is bound to a Unix datagram socket."
echo
echo "1. A request. Its profile arrives as one datagram. (Starting the library takes 3 to 4 ms of a worker's first.)"
get 60
show_heard
echo
echo "2. kill -9 for the listener, and a request. Its profile is in the disk buffer."
kill_listener
get 36
show_buffer
echo
echo "3. The listener comes back, empties the buffer, and hears the next request."
start_listener "$folder/buffer"
show_heard
get 60
show_heard
echo
echo "3 requests, 3 profiles: 2 straight to the listener, 1 by way of the disk."
