#!/usr/bin/env bash
# Starts Telegraf in the background with the configurations in this folder, and prints how to see a profile in its file.
# ./build.sh listener telegraf runs it.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
build=$here/../../build
socket=${LISTENER_SOCKET:-/var/run/bitville-apm/listener.sock}
folder=$build/telegraf

# The directory that the library uses, if this user may write to it: docs/buffer.md.
buffer=${BUFFER_DIRECTORY:-/var/lib/bitville-apm/buffer}
{ mkdir -p "$buffer" && [ -w "$buffer" ]; } 2> /dev/null || buffer=/tmp/bitville-apm-buffer
mkdir -p "$buffer" "$folder" "$(dirname "$socket")"

"$here/install.sh" "$build/bin" telegraf
for name in telegraf telegraf-file; do
    sed "s|/var/run/bitville-apm/listener.sock|$socket|; s|/var/lib/bitville-apm/buffer|$buffer|; s|/var/lib/bitville-apm|$folder|" \
        "$here/$name.conf" > "$folder/$name.conf"
done
rm -f "$socket"
nohup "$build/bin/telegraf" --config "$folder/telegraf.conf" --config "$folder/telegraf-file.conf" \
    > "$folder/log" 2>&1 &
echo $! > "$folder/pid"
for ((try = 0; try < 100; try++)); do
    [ ! -S "$socket" ] || break
    kill -0 $! 2> /dev/null || { cat "$folder/log" >&2; exit 1; }
    sleep 0.1
done
echo "Telegraf listens on $socket and writes to build/telegraf/profiles, once a second. To end it: kill $!"
