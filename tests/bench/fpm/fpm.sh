#!/usr/bin/env bash
# Measures how much of a page's time the profiler takes: a php-fpm with two workers, configured as README.md says, and two
# visitors, in turn without the profiler and with it. It takes the arguments of the programs of main.go.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../.." && pwd)
. "$root/tests/fpm.sh"
folder=$1
trap tidy_up EXIT
trap 'exit 130' INT TERM
chmod 755 "$folder" # the workers are another user
export BENCH_FOLDER=$folder BENCH_PHP=${BENCH_PHP:-$root/php}
mkdir "$folder/b"
[ "$(id -u)" != 0 ] || chown "$(worker_user)" "$folder/b"
go -C "$here/.." build -o "$folder/visit" ./fpm
start_fpm "ffi.preload = ${BENCH_FFI_HEADER:-$root/build/transmit_ffi.h}
opcache.enable = 1
opcache.preload = $BENCH_PHP/preload.php
$([ "$(id -u)" != 0 ] || echo "opcache.preload_user = $(worker_user)")"
BENCH_FPM=$fpm "$folder/visit" "$folder" "$here/page.php" "${2-10}"
# On a busy machine, one or the other.
late=$(find "$folder/b" -name 'profile_*' | wc -l)
[ "$late" = 0 ] || echo "# fpm-page: $late profiles went to the disk, for the listener was late"
