#!/usr/bin/env bash
# run.sh beside this file runs this in a clean Debian, where all files are in their real places. /test has the package
# and the programs that use it.
set -euo pipefail
failed=0
php=$(php -r 'echo PHP_MAJOR_VERSION, ".", PHP_MINOR_VERSION;')
share=/usr/share/libtransmit
buffer=/var/lib/bitville-apm/buffer
socket=/var/run/bitville-apm/listener.sock

# want compares what a test found with what it wants.
want() {
    [ "$2" = "$3" ] && echo "ok   $1" && return
    printf 'FAIL %s\n     got  %s\n     want %s\n' "$1" "$2" "$3"
    failed=1
}

# everything lists all files with mode and owner, apart from what any package's coming
# and going changes.
everything() {
    find / -xdev \( -path /proc -o -path /dev -o -path /test -o -path /tmp -o -path /var/lib/dpkg \
        -o -path /var/cache -o -path /var/log -o -path /var/lib/php/sessions \) -prune -o -printf '%M %u:%g %p %l\n' | sort
}

# as runs a command as another user.
as() {
    local user=$1
    shift
    setpriv --reuid "$user" --regid "$(id -g "$user")" --init-groups "$@"
}

count() { find "$1" -name 'profile_*.json' 2> /dev/null | wc -l; }
await() { for _ in {1..500}; do ! "$@" || return 0; sleep 0.01; done; echo "in vain: $*"; return 1; }

# send prints what PHP says of one profile, as the user $1.
send() {
    # shellcheck disable=SC2016 # PHP's variables
    as "$1" php -d error_log=/dev/null -r '
        require "/usr/share/libtransmit/php/transmitter.php";
        echo send_profiling_data(["url" => "/from-$argv[1]"]) ? "sent" : "not sent", ", ", check_listener_socket()["mode"];' "$1"
}

# Debian's applications let PHP read below /usr/share/php: phpMyAdmin, for one.
reads_within_open_basedir() {
    as www-data php -d open_basedir=/usr/share/phpmyadmin/:/usr/share/php/:/test/ -d error_log=/dev/null -d auto_prepend_file=$share/php/auto_prepend.php \
        -r 'require "/usr/share/libtransmit/php/transmitter.php"; echo send_profiling_data(["url" => "/basedir"]) ? "sent" : "not sent", ", ", check_listener_socket()["mode"];' 2>&1
}

start_fpm() {
    "php-fpm$php" --fpm-config /test/fpm.conf -F > /test/fpm.out 2>&1 &
    fpm=$!
    await test -S /run/fpm.sock
}

# page prints the last line of a page.
page() {
    SCRIPT_FILENAME=$1 REQUEST_METHOD=GET cgi-fcgi -bind -connect /run/fpm.sock | tail -n 1
}

# example prints the first line of example.c. On a busy machine, Go may not start in a call's time.
example() {
    local said
    for _ in {1..30}; do
        said=$("$@" /test/example | head -n 1)
        [[ $said == *'did not start in time'* ]] || break
        sleep 0.2
    done
    echo "$said"
}

status_page() {
    TRANSMIT_STATUS=1 SCRIPT_FILENAME=$share/php/status.php REQUEST_METHOD=GET cgi-fcgi -bind -connect /run/fpm.sock
}

stop() {
    kill "$1"
    wait "$1" || true
}

installation() {
    dpkg -i /test/package.deb > /test/install.out
    want "$1: the linker knows it" "$(ldconfig -p | grep -c 'libtransmit.so.1 ')" 1
    want "$1: the buffer" "$(stat -c '%A %U:%G' $buffer)" 'drwxr-x--- www-data:www-data'
    want "$1: the socket's directory" "$(stat -c '%A %U:%G' /run/bitville-apm)" 'drwxr-xr-x root:root'
}

# upgrade_of has an older version's buffer, by mode and owner, with files of three users, and installs.
upgrade_of() {
    rm -rf /var/lib/bitville-apm
    install -d -m "$1" -o "${2%:*}" -g "${2#*:}" $buffer
    for user in www-data root nobody; do
        echo '{}' > $buffer/profile_20250101_000000_$user.json
        chown $user: $buffer/profile_20250101_000000_$user.json
        chmod 600 $buffer/profile_20250101_000000_$user.json
    done
    ln -s /etc/shadow $buffer/profile_20250101_000000_0000000a.json
    chown -h nobody: $buffer/profile_20250101_000000_0000000a.json
    ln $buffer/profile_20250101_000000_www-data.json $buffer/../other-name
    ln $buffer/../other-name $buffer/profile_20250101_000000_0000000b.json
    rm $buffer/profile_20250101_000000_www-data.json
    as www-data sh -c "umask 077; cd /; echo '{}' > /tmp/mine"
    cp --preserve=all /tmp/mine $buffer/profile_20250101_000000_0000000c.json
    as nobody mkfifo /tmp/fifo
    mv /tmp/fifo $buffer/profile_20250101_000000_0000000d.json
    rm -f /tmp/mine
    dpkg -i /test/package.deb > /test/upgrade.out
}

# listing prints mode, owner and name of what is in a folder.
listing() { (cd "$1" && find . -mindepth 1 -printf '%M %u %f\n' | sort | tr '\n' ' '); }

older_versions_are_taken_over() {
    for kind in '1770 root:www-data' '755 root:root' '750 root:root' '700 root:root'; do
        # shellcheck disable=SC2086 # two words
        upgrade_of $kind
        want "$kind: the buffer" "$(stat -c '%a %U:%G' $buffer)" '750 www-data:www-data'
        want "$kind: only FPM's user's files stay" "$(listing $buffer)" '-rw------- www-data profile_20250101_000000_0000000c.json '
        want "$kind: www-data reads them" "$(as www-data cat $buffer/profile_20250101_000000_0000000c.json)" '{}'
        want "$kind: root's are set aside" "$(stat -c '%a %U' $buffer.0) $(listing $buffer.0)" '700 root -rw------- root profile_20250101_000000_root.json '
        want "$kind: others' too" "$(stat -c '%a %U' $buffer.65534) $(find $buffer.65534 -type f -o -type l -o -type p | wc -l)" '700 nobody 3'
        want "$kind: what has two names, too" "$(ls $buffer.33)" profile_20250101_000000_0000000b.json
    done
    for kind in '1777 root:root' '750 nobody:nogroup' '770 root:www-data'; do
        # shellcheck disable=SC2086
        upgrade_of $kind
        want "$kind: the administrator's stays" "$(stat -c '%a %U:%G' $buffer) $(find $buffer -mindepth 1 | wc -l)" "$kind 6"
    done
    echo 'd /var/lib/bitville-apm/buffer 1770 root www-data -' > /etc/tmpfiles.d/libtransmit.conf
    upgrade_of 1770 root:www-data
    want "1770, named in /etc/tmpfiles.d: stays" "$(stat -c '%a %U:%G' $buffer)" '1770 root:www-data'
    rm /etc/tmpfiles.d/libtransmit.conf
    rm -rf /var/lib/bitville-apm
    dpkg -i /test/package.deb > /test/upgrade.out
}

programs_use_it() {
    apt-get update -qq
    apt-get install -y -qq --no-install-recommends gcc libc6-dev pkgconf > /test/apt.out 2>&1 || { cat /test/apt.out; exit 1; }
    # shellcheck disable=SC2046 # pkg-config prints words
    gcc -Wall -Werror /test/example.c $(pkg-config --cflags --libs transmit) -o /test/example
    want 'C, no listener' "$(example as www-data)" 'written to the disk buffer'
    want "PHP as FPM's user" "$(send www-data)" 'not sent, native'
    want 'they share the buffer' "$(count $buffer)" 2
    want 'no other user may write to it' "$(send nobody), $(send root), $(count $buffer)" 'not sent, native, not sent, native, 2'
    want 'that one has another' "$(stat -c %U /tmp/bitville-apm-buffer)" nobody
    want 'nor read it' "$(as nobody ls $buffer 2>&1 | grep -c denied)" 1
    as www-data rm -f $buffer/profile_*
    want 'the man page is found' "$(zcat /usr/share/man/man3/transmit.3.gz | grep -c '^.Dt TRANSMIT 3')" 1
}

a_listener_hears() {
    php /test/listen.php $socket $buffer > /test/heard &
    listener=$!
    await test -S $socket
    chmod 666 $socket
    want 'C, a listener' "$(example)" 'sent to the listener'
    want 'PHP, with open_basedir as phpMyAdmin has it' "$(reads_within_open_basedir)" 'sent, native'
    want 'PHP, a listener' "$(send www-data)" 'sent, native'
    await grep -q /from-www-data /test/heard
    want 'the doctor is content' "$(as www-data php $share/php/doctor.php | grep ^fail)" ''
}

fpm_uses_the_recipe() {
    printf '[global]\nerror_log=/test/fpm.log\n[www]\nlisten=/run/fpm.sock\nuser=www-data\ngroup=www-data\n%s\n' \
        'pm=static
pm.max_children=1' > /test/fpm.conf
    cat > /test/page.php << 'PHP'
<?php
require '/usr/share/libtransmit/php/transmitter.php';
echo send_profiling_data(['url' => '/from-fpm']) ? 'sent' : 'not sent', ', ', check_listener_socket()['mode'];
PHP
    start_fpm
    want 'the recipe is not enabled by itself' "$(page /test/page.php)" 'sent, plain'
    stop "$fpm"
    # As its own comment says.
    sed -n 's/^;   //p' $share/transmit.ini | sed "s/8\.2/$php/g; s/ && systemctl.*//" > /test/enable.sh
    bash -e /test/enable.sh
    start_fpm
    want 'php-fpm with the recipe' "$(page /test/page.php)" 'sent, native'
    want 'its status page, with its style' "$(status_page | grep -c -e 'native, version 1' -e prefers-color-scheme)" 2
    want 'the doctor asks it' "$(php $share/php/doctor.php --fpm /run/fpm.sock | grep ^fail)" ''
    stop "$fpm"
}

removal() {
    dpkg -i /test/package.deb > /test/upgrade.out # over itself, as an upgrade
    want 'an upgrade leaves the recipe enabled' "$(readlink -e /etc/php/"$php"/fpm/conf.d/99-transmit.ini)" $share/transmit.ini
    own=/etc/php/$php/mods-available/transmit.ini
    rm "$own"
    { cat $share/transmit.ini; echo '; my own line'; } > "$own"
    phpenmod -v "$php" -s fpm transmit
    dpkg -i /test/package.deb > /test/upgrade.out
    want "an upgrade leaves the administrator's own file" "$(tail -n 1 /etc/php/"$php"/fpm/conf.d/99-transmit.ini)" '; my own line'
    as www-data php -d error_log=/dev/null -r "require '$share/php/transmitter.php'; write_to_disk_buffer('{}');"
    dpkg --remove libtransmit > /test/remove.out
    want 'removed: profiles stay' "$(count $buffer)" 1
    want 'removed: the recipe is disabled' "$(find /etc/php -name '*transmit*')" "$own"
    want "removed: the administrator's own file stays" "$(tail -n 1 "$own")" '; my own line'
    rm "$own"
    start_fpm
    want 'removed: php-fpm starts' "$(page /test/alive.php)" alive
    stop "$fpm"
    dpkg --purge libtransmit > /test/purge.out
}

everything > /test/before
echo '<?php echo "alive";' > /test/alive.php
mv /usr/bin/systemd-tmpfiles /usr/bin/is-away # as where systemd is not
installation 'without systemd-tmpfiles'
mv /usr/bin/is-away /usr/bin/systemd-tmpfiles
rm -r /var/lib/bitville-apm /run/bitville-apm
installation 'with systemd-tmpfiles'
dpkg --verify libtransmit
older_versions_are_taken_over
programs_use_it
a_listener_hears
fpm_uses_the_recipe
stop "$listener"
sleep 0.1
rm -rf "$buffer"/*.json $socket
removal
want 'purged: not known any more' "$(dpkg-query -W libtransmit 2>&1 | grep -c 'no packages found')" 1
want 'purged: nothing is left' "$(everything | comm -13 /test/before - | grep -E 'transmit|bitville')" ''
exit "$failed"
