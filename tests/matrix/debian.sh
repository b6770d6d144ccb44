# shellcheck shell=bash
# Makes folders of Debian suites, each with its own PHP, and runs commands inside them. A folder is kept between runs and
# checkouts. build.sh and run.sh beside this file source it; they define $root, say and die.
# shellcheck disable=SC2154

folders=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/libtransmit/matrix
oldest=bullseye

# packages prints what a suite's folder has beside Debian's base.
packages() {
    case "$1" in
    php*) printf libfcgi-bin && return ;; # a newer PHP than sid's: see newer_php
    zts) printf 'libfcgi-bin,gcc,libc6-dev,make,xz-utils,pkgconf,libffi-dev,libonig-dev,libxml2-dev' && return ;; # see threaded_php
    esac
    # PHP, what PHPUnit needs, and what its tests ask php-fpm with.
    printf 'php-cli,php-fpm,php-xml,php-mbstring,libfcgi-bin'
    # The library is built on the oldest, for arm64 and for musl, too, and so are the C programs.
    [ "$1" != "$oldest" ] || printf ',gcc,libc6-dev,gcc-aarch64-linux-gnu,libc6-dev-arm64-cross,musl-tools'
    # Newer ones have no profiler's extension.
    ! has_profiler "$1" || printf ',php-tideways'
}

# debian is the suite that a folder is made of.
debian() {
    case "$1" in
    php*) echo sid ;;
    zts) echo bookworm ;;
    *) echo "$1" ;;
    esac
}

has_profiler() { [ "$1" = bullseye ] || [ "$1" = bookworm ]; }

# recipe is what a folder was made of; another one means another folder. Sid moves on:
# once a week.
recipe() {
    packages "$1"
    [[ $1 != sid && $1 != php* ]] || date '+ in week %G-%V'
}

can_debootstrap() {
    [ "$(id -u)" = 0 ] || { say "It takes root to make and enter folders of other Debian suites (debootstrap, chroot, mount)."; return 1; }
    command -v debootstrap > /dev/null || { say "debootstrap is missing: apt-get install debootstrap"; return 1; }
    unshare --mount --pid --fork true 2> /dev/null || { say "This machine does not let root have a mount namespace (unshare --mount --pid)."; return 1; }
}

# lock_folders lets one run at a time have them, to its end, with all that it starts.
lock_folders() {
    [ -z "${folders_are_ours-}" ] || return 0
    export folders_are_ours=1
    mkdir -p "$folders"
    exec 9> "$folders/lock"
    flock -n 9 || { say "Waiting for another run that uses $folders."; flock 9; }
}

is_made() { [ "$(cat "$folders/$1/recipe" 2> /dev/null)" = "$(recipe "$1")" ]; }

# make_folders makes those that are not there as they should be, all at once; fails if one cannot be made.
make_folders() {
    local suite absent=()
    for suite in $(printf '%s\n' "$@" | sort -u); do
        is_made "$suite" || absent+=("$suite")
    done
    [ ${#absent[@]} != 0 ] || return 0
    say "Making Debian ${absent[*]} in $folders; it is kept for the next run."
    # By xargs, for Ctrl-C is not ignored then, as it is in background jobs.
    # shellcheck disable=SC2016 # that shell's variables
    printf '%s\n' "${absent[@]}" | root=$root xargs -P 4 -n 1 \
        bash -euo pipefail -c '. "$root/tests/matrix/debian.sh"; make_folder "$1"' -
}

# make_folder is safe to interrupt: the folder gets its name when it is whole, and
# mounts end with their namespace. Services do not start: debootstrap sees to that.
make_folder() {
    local suite=$1 new=$folders/$1.new
    rm -rf --one-file-system "$new"
    eval "$(apt-config shell http_proxy Acquire::http::Proxy)"
    # shellcheck disable=SC2046 # mirror prints one word, or none
    http_proxy=${http_proxy-} unshare --mount --pid --fork --kill-child timeout --foreground -k 10 1200 debootstrap --variant=minbase \
        --include="$(packages "$suite")" "$(debian "$suite")" "$new" $(mirror) > "$folders/$suite.log" 2>&1 || {
        tail -n 20 "$folders/$suite.log" >&2
        echo "debootstrap could not make Debian $suite; the whole story is in $folders/$suite.log" >&2
        return 1
    }
    [ "$suite" != "$oldest" ] || with_network "$new" musl_for_arm64 >> "$folders/$suite.log" 2>&1 || {
        tail -n 20 "$folders/$suite.log" >&2
        return 1
    }
    [[ $suite != php* ]] || with_network "$new" newer_php "${suite#php}" >> "$folders/$suite.log" 2>&1 || {
        echo "Debian experimental has no PHP ${suite#php} that can be installed; the whole story is in $folders/$suite.log" >&2
        return 1
    }
    [ "$suite" != zts ] || with_network "$new" threaded_php "$(debian zts)" >> "$folders/$suite.log" 2>&1 || {
        tail -n 20 "$folders/$suite.log" >&2
        echo "PHP with threads could not be built; the whole story is in $folders/$suite.log" >&2
        return 1
    }
    rm -rf "$new"/var/cache/apt/archives/*.deb "$new"/var/lib/apt/lists/*
    mkdir -p "$new"/{libtransmit,usr/share/php} "$new"/go/{root,modules,cache}
    recipe "$suite" > "$new/recipe"
    rm -rf --one-file-system "${folders:?}/$suite"
    mv "$new" "$folders/$suite"
}

# newer_php installs the PHP $1 from sid, or from experimental. Without -t experimental: what else PHP needs is
# then sid's, for the newest php-common is not for every PHP that experimental has.
newer_php() {
    local mirror
    mirror=$(awk '$1 == "deb" { print $2; exit }' /etc/apt/sources.list)
    echo "deb $mirror experimental main" > /etc/apt/sources.list.d/experimental.list
    apt-get update -q -o Acquire::Check-Valid-Until=false # as debootstrap: a mirror may be old
    apt-get install -q -y --no-install-recommends "php$1"-{cli,fpm,xml,mbstring}
    update-alternatives --set php "/usr/bin/php$1"
}

# threaded_php builds PHP with threads from the source package of the suite $1, for Debian has none that is
# built: the command, php-fpm, and the library that a host with threads of its own links. What
# Debian has as files to load is such a file here, too, with the same settings.
threaded_php() {
    local mirror name extension
    mirror=$(awk '$1 == "deb" { print $2; exit }' /etc/apt/sources.list)
    echo "deb-src $mirror $1 main" > /etc/apt/sources.list.d/source.list
    apt-get update -q
    name=$(apt-cache depends php-fpm | sed -n 's/.*Depends: \(php.*\)-fpm$/\1/p')
    cd /tmp || return
    apt-get source -q --download-only "$name"
    tar -xf "${name}"_*.orig.tar.xz
    cd php-*/ || return
    ./configure --prefix=/usr --with-config-file-path=/etc/php --with-config-file-scan-dir=/etc/php/conf.d \
        --disable-all --disable-cgi --disable-phpdbg --enable-zts --enable-zend-max-execution-timers --enable-embed=shared --enable-fpm --enable-pcntl \
        --enable-session --enable-filter --with-libxml --enable-opcache --with-ffi=shared \
        --enable-{posix,ctype,tokenizer,mbstring,dom,xml,xmlwriter,simplexml}=shared --disable-opcache-jit CFLAGS=-O0 # quickly built
    make -s -j "$(nproc)"
    make -s install
    cd / || return
    rm -rf /tmp/php*
    ln -s php-fpm "/usr/sbin/php-fpm${name#php}"
    mkdir -p /etc/php/conf.d
    printf 'include_path=.:/usr/share/php\nmemory_limit=-1\n' > /etc/php/conf.d/00-phpunit.ini # as Debian's commands have it
    echo 'zend_extension=opcache' > /etc/php/conf.d/10-opcache.ini
    for extension in ffi posix ctype tokenizer mbstring dom xml xmlwriter simplexml; do
        echo "extension=$extension" > "/etc/php/conf.d/20-$extension.ini"
    done
}

# with_network runs a function of this file in a folder that is being made, with this machine's network.
with_network() {
    cp /etc/resolv.conf "$1/etc/"
    env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 DEBIAN_FRONTEND=noninteractive http_proxy="${http_proxy-}" \
        unshare --mount --pid --fork --kill-child timeout --foreground -k 10 3600 chroot "$1" bash -euo pipefail -c "$(declare -f "$2"); \"\$@\"" - "${@:2}"
}

# musl_for_arm64 makes aarch64-musl-gcc, as Debian's musl-gcc is for this machine.
musl_for_arm64() {
    local there=/usr/lib/aarch64-linux-musl
    dpkg --add-architecture arm64
    apt-get update -q
    cd /tmp || return
    apt-get download -q musl:arm64 musl-dev:arm64
    for package in musl*_arm64.deb; do
        dpkg -x "$package" musl
    done
    cp -a musl/usr/. musl/lib /usr/ # /lib itself is a link there
    rm -r musl musl*_arm64.deb
    sed 's/x86_64-linux-musl/aarch64-linux-musl/g; s/ld-musl-x86_64/ld-musl-aarch64/g' /usr/lib/x86_64-linux-musl/musl-gcc.specs > "$there/musl-gcc.specs"
    printf '#!/bin/sh\nexec aarch64-linux-gnu-gcc "$@" -specs %s/musl-gcc.specs\n' "$there" > /usr/bin/aarch64-musl-gcc
    chmod 755 /usr/bin/aarch64-musl-gcc
}

# mirror is where this machine has Debian from; nothing, if apt does not say: then
# debootstrap has one of its own.
mirror() {
    # shellcheck disable=SC2016 # apt's variables
    apt-get indextargets --format '$(LABEL) $(REPO_URI)' 2> /dev/null | awk '$1 == "Debian" && !n++ { print $2 }'
}

# inside SUITE OUT COMMAND… runs a command in a suite's folder, in this checkout: it is
# /libtransmit there, and OUT its build/. Nothing else can be written but /tmp.
inside() {
    local suite=$1 out=$2
    shift 2
    mkdir -p "$root/build" "$out" "$folders/go-cache"
    unshare --mount --pid --fork --kill-child bash -euc "$(declare -f enter bind); enter \"\$@\"; exit" - \
        "$folders/$suite" "$root" "$out" "$folders/go-cache" "$(go env GOROOT)" "$(go env GOMODCACHE)" "$@"
}

bind() {
    mount --bind "$1" "$2"
    mount -o "remount,bind,${3-ro}" "$2"
}

# enter is the first process of a namespace, and outlives the command: it has to wait
# for those that lose their parent.
enter() {
    local folder=$1
    mount --make-rprivate /
    bind "$folder" "$folder"
    bind "$2" "$folder/libtransmit"
    bind "$3" "$folder/libtransmit/build" rw
    bind "$4" "$folder/go/cache" rw
    bind "$5" "$folder/go/root"
    bind "$6" "$folder/go/modules"
    [ ! -d /usr/share/php/PHPUnit ] || bind /usr/share/php "$folder/usr/share/php"
    mount -t proc proc "$folder/proc"
    mount --rbind /dev "$folder/dev"
    mount -t tmpfs -o mode=1777 tmpfs "$folder/dev/shm"
    mount -t tmpfs -o mode=1777 tmpfs "$folder/tmp"
    shift 6
    env -i PATH=/go/root/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/tmp LANG=C.UTF-8 \
        GOTOOLCHAIN=local GOPROXY=off GOMODCACHE=/go/modules GOCACHE=/go/cache \
        chroot "$folder" "$@"
}

# build_oldest builds the library into the folder $1 on the oldest suite, for its glibc
# and every newer one.
build_oldest() {
    need "$matrix_packages"
    can_debootstrap || die "build --oldest cannot be done here."
    check_go
    lock_folders
    make_folders "$oldest"
    go mod download
    inside "$oldest" "$1" /libtransmit/build.sh build
    ffi_files "$1/libtransmit.so" "$1"
}
