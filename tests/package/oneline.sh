#!/usr/bin/env bash
# Installs the tar.gz in the folder $1 with one line to an empty folder, and switches it on with one line of ini. Checks
# that the profiles of a CLI script and of a php-fpm page arrive at the listener.
set -euo pipefail
folder=$(mktemp -d /tmp/transmit-oneline.XXXXXX)
chmod 755 "$folder"
mkdir -p "$folder/ini" "$folder/buffer"
trap 'kill $pids 2> /dev/null || true; wait; rm -rf "$folder"' EXIT
pids=
await() { for _ in {1..1000}; do ! "$@" || return 0; sleep 0.01; done; echo "did not happen: $*"; cat "$folder"/{heard,fpm.log,fpm.out} 2> /dev/null || true; return 1; }

archive=$(echo "$1"/libtransmit-*-linux-"$(dpkg --print-architecture)".tar.gz)
name=$(basename "${archive%-linux-*}")

# The one line.
tar xzf "$archive" -C "$folder" && "$folder/$name/install.sh" --prefix="$folder/usr"

# The other one.
echo "auto_prepend_file = $folder/usr/share/libtransmit/php/auto_prepend.php" > "$folder/ini/libtransmit.ini"

export PHP_INI_SCAN_DIR=:$folder/ini LISTENER_SOCKET=$folder/listener.sock
php -d auto_prepend_file= "$(dirname "$0")/../demo/listen.php" "$LISTENER_SOCKET" "$folder/buffer" > "$folder/heard" &
pids+=" $!"
await test -S "$LISTENER_SOCKET"
chmod 666 "$LISTENER_SOCKET"
echo '<?php usleep(1000); echo "page";' > "$folder/page.php"

# Commands are profiled only if they are asked to be, by -d.
said=$(php -d auto_prepend_file="$folder/usr/share/libtransmit/php/auto_prepend.php" "$folder/page.php")
[ "$said" = page ] || { echo "CLI: '$said', want 'page'"; exit 1; }
await grep -q page.php "$folder/heard"
said=$(php -d auto_prepend_file= -r "require '$folder/usr/share/libtransmit/php/transmitter.php'; echo check_listener_socket()['mode'];")
[ "$said" = native ] || { echo "CLI: '$said', want 'native'"; exit 1; }
echo 'the command line: ok, native'

version=$(php -d auto_prepend_file= -r 'echo PHP_MAJOR_VERSION, ".", PHP_MINOR_VERSION;')
printf '[global]\nerror_log=%s\n[www]\nlisten=%s\nlisten.mode=0666\nuser=www-data\ngroup=www-data\npm=static\npm.max_children=1\nclear_env=no\n' \
    "$folder/fpm.log" "$folder/fpm.sock" > "$folder/fpm.conf"
"php-fpm$version" -F -R -y "$folder/fpm.conf" > "$folder/fpm.out" 2>&1 &
pids+=" $!"
await test -S "$folder/fpm.sock"
SCRIPT_FILENAME=$folder/page.php REQUEST_METHOD=GET REQUEST_URI=/one-line cgi-fcgi -bind -connect "$folder/fpm.sock" > "$folder/page"
[ "$(tail -n 1 "$folder/page")" = page ] || { cat "$folder/page"; exit 1; }
await grep -q one-line "$folder/heard"
echo 'php-fpm: ok'
