# shellcheck shell=bash
# Starts a php-fpm in a temporary folder, and a listener. Scripts that need them source this file and set $folder.
# shellcheck disable=SC2154

# worker_user prints who runs PHP: root's FPM wants somebody else for it.
worker_user() { if [ "$(id -u)" = 0 ]; then echo www-data; else id -un; fi; }

# start_fpm starts two workers; $1 are lines for php.ini, $2 lines for the pool.
start_fpm() {
    local version
    version=$(php -r 'echo PHP_MAJOR_VERSION, ".", PHP_MINOR_VERSION;')
    mkdir -p "$folder/ini"
    printf '%s\n' "$1" > "$folder/ini/99-transmit.ini"
    cat > "$folder/fpm.conf" << END
[global]
error_log = $folder/fpm.log
daemonize = no
[www]
listen = $folder/fpm.sock
pm = static
pm.max_children = 2
clear_env = no
catch_workers_output = yes
$([ "$(id -u)" != 0 ] || printf 'user = %s\ngroup = %s\n' "$(worker_user)" "$(worker_user)")
${2-}
END
    # The empty first entry is PHP's own directory: the system's extensions.
    PHP_INI_SCAN_DIR=":$folder/ini" "php-fpm$version" -F -y "$folder/fpm.conf" > /dev/null 2>&1 &
    fpm=$!
    await test -S "$folder/fpm.sock"
}

# request asks FPM for the script $1 as the URL $2 with the query $3.
request() {
    SCRIPT_FILENAME=$1 SCRIPT_NAME=$2 REQUEST_URI="$2${3:+?$3}" QUERY_STRING=${3-} REQUEST_METHOD=GET \
        cgi-fcgi -bind -connect "$folder/fpm.sock"
}

# start_listener prints to $folder/heard; $1 is a buffer directory to empty, or "".
start_listener() {
    rm -f "$folder/listener.sock"
    php "$root/tests/demo/listen.php" "$folder/listener.sock" ${1:+"$1"} >> "$folder/heard" &
    listener=$!
    await test -S "$folder/listener.sock"
}

kill_listener() {
    kill -KILL "$listener"
    wait "$listener" 2> /dev/null || true
}

# await repeats a command until it succeeds, for 10 seconds.
await() {
    local try
    for ((try = 0; try < 1000; try++)); do
        ! "$@" || return 0
        sleep 0.01
    done
    echo "waited in vain for: $*" >&2
    [ ! -f "$folder/fpm.log" ] || cat "$folder/fpm.log" >&2
    return 1
}

# tidy_up ends what was started and removes the folder, also after a failure or Ctrl-C.
tidy_up() {
    local pid
    for pid in ${fpm-} ${listener-}; do
        kill "$pid" 2> /dev/null || continue
        wait "$pid" 2> /dev/null || true
    done
    rm -rf "$folder"
}
