#!/usr/bin/env bash
# Every task of this project has a verb here; ./build.sh help lists them.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
root=$PWD
PATH=$PATH:/usr/local/go/bin:/usr/sbin:/sbin # where Go and php-fpm are when a login shell does not look there

usage() {
    cat << 'END'
./build.sh [VERB]

  build [--oldest]        build/libtransmit.so (this is the default), with $CC for $GOARCH if they are set
                          --oldest: in a folder of Debian 11, for any glibc from 2.25 on; takes root
                          --to DIR: to another folder
  demo                    a PHP application in php-fpm, its profiles, and a listener that dies
  test [--strict] [PART]  everything that is checked, or a part: lint unit guard fuzz c php readme package
                          matrix go components listeners foreign
                          --strict: a test that is skipped fails
  matrix [SUITE…]         one library with every PHP: in folders of Debian bullseye, bookworm, trixie, sid,
                          php8.5 and php8.6 (from experimental), zts (with threads); takes root
  soak [MINUTES]          fuzzers and components for long (30 minutes), ending with a table of all profiles
  listener telegraf       a Telegraf of its own, in the background, that writes profiles to a file
  bench [-record]         what a call costs beside its peers, and which goals are met: build/bench.md, .json, *.svg
                          -record: also to docs/performance.md; takes root
  install [--prefix DIR]  library, header, man page, transmit.pc and PHP files, to /usr/local or DIR; honours DESTDIR
                          --libdir=DIR: the library to another folder than lib; --from DIR: of another build
  package                 build/packages/: deb, rpm, apk and tar.gz for amd64 and arm64, glibc 2.25+ and musl; takes root
  version                 print this version
  clean                   remove build/
  help                    this

demo, test, matrix, soak, bench, package and build --oldest install the Debian packages that they need.
END
}

say() { printf '%s\n' "$@" >&2; }
die() { say "$@"; exit 1; }

# shellcheck source=tests/packages.sh
. tests/packages.sh
# shellcheck source=tests/matrix/debian.sh
. tests/matrix/debian.sh

# ---- build ----

# check_go wants the Go of go.mod; an older one (1.21 or newer) fetches it by itself.
check_go() {
    local wanted found
    wanted=$(sed -n 's/^go //p' go.mod)
    command -v go > /dev/null || die "Go is missing: install Go $wanted or newer from https://go.dev/dl/ to /usr/local/go."
    found=$(go env GOVERSION) || die "Go $wanted or newer is needed, see above."
    [ "$(printf '%s\n' "$wanted" "${found#go}" | sort -V | head -n 1)" = "$wanted" ] ||
        die "Go $wanted or newer is needed and this is $found: install one from https://go.dev/dl/ to /usr/local/go."
    command -v "${CC:-gcc}" > /dev/null || die "${CC:-gcc} is missing: apt-get install gcc libc6-dev"
}

# patched copies a file of Go's own source, edits it (sed), and prints what
# go build -overlay needs; exactly so many lines must have changed.
patched() {
    local file=$1 lines=$2 edit=$3 source copy
    copy=$to/$(basename "$file").txt # ./... does not see it
    source=$to/goroot/src/$file
    sed -E "$edit" "$source" > "$copy"
    [ "$(diff "$source" "$copy" | grep -c '^>')" = "$lines" ] ||
        die "$source of $(go version) is not as expected." \
            "Build with Go 1.26 or 1.27, or mend overlay() in build.sh."
    printf '"%s": "%s"' "$source" "$copy"
}

# overlay replaces files of the Go runtime for this build. Go unblocks SIGPROF
# and SIGCHLD on its own threads, and a handler that the host installed without
# SA_ONSTACK (PHP before 8.3) would overwrite a goroutine's stack there. And Go's
# background scavenger sleeps by a timer, which starts the network poller: a host
# that closes the poller's descriptors would be aborted. Package os would start it, too, as
# soon as it is linked, where a standard stream of the host's does not block.
# Go's monitor thread takes the processor away from a goroutine that has run for 10 ms
# without a switch, as the writer's always has, also while it sleeps in a system call. The
# writer then has to get it back by way of other threads, for each profile of an outage.
# That makes sense only if another goroutine waits for the processor.
# Package syscall raises the soft limit of descriptors, on which a host that uses select(2) relies,
# and which another thread of the host may set meanwhile.
# In setuid(2) and its like, musl runs such a handler on every thread, which cannot be
# blocked: there every goroutine's stack keeps room for it, as Go has it for Windows.
# Go refuses an overlay for files below its module cache, where GOTOOLCHAIN puts a
# fetched Go: so all that it has is named by way of a link, goroot.
overlay() {
    local files
    ln -sfn "$(go env GOROOT)" "$to/goroot"
    files=$(patched runtime/sigtab_linux_generic.go 2 '/"SIG(CHLD|PROF):/s/ \+ _SigUnblock//')
    files+=,$(patched runtime/mgcscavenge.go 1 '/^func \(s \*scavengerState\) wake\(\) \{$/a return')
    files+=,$(patched internal/poll/fd_poll_runtime.go 1 '/^func \(pd \*pollDesc\) init\(fd \*FD\) error \{$/a return ErrNotPollable')
    files+=,$(patched runtime/proc.go 1 '/\} else if pd\.schedwhen\+forcePreemptNS <= now \{/s/now /now \&\& (!runqempty(pp) || !sched.runq.empty()) /')
    files+=,$(patched syscall/rlimit.go 1 '/^\tif err := Getrlimit\(RLIMIT_NOFILE, &lim\); err == nil /s/err == nil/false \&\& &/')
    ! is_musl || files+=,$(patched runtime/stack.go 1 '/^\tstackSystem = /s/=/= 8192 +/')
    printf '{"Replace": {%s}}\n' "$files" > "$to/overlay.json"
}

# Without -q: it would end early, and gcc, which is not done writing, would fail.
is_musl() { ! "${CC:-gcc}" -E -dM -include features.h -x c /dev/null | grep __GLIBC__ > /dev/null; }

# check_linked looks for all of it in the library $1: export.ld's place has one entry of
# Go's, neither signal is to be unblocked, and nothing wakes the scavenger.
check_linked() {
    local symbols begin end signals signal
    symbols=$("$("${CC:-gcc}" -print-prog-name=nm)" "$1")
    begin=0x$(awk '$3 == "transmit_go_init_begin" { print $1 }' <<< "$symbols")
    end=0x$(awk '$3 == "transmit_go_init_end" { print $1 }' <<< "$symbols")
    [ $((end - begin)) = 8 ] ||
        die "$1: $(((end - begin) / 8)) entries of Go's are kept from loading, not 1: see door/export.ld."
    signals=0x$(awk '$3 == "runtime.sigtable" { print $1 }' <<< "$symbols")
    for signal in 17 27; do # SIGCHLD, SIGPROF; 128 is _SigUnblock
        [ $(($(word "$1" $((signals + 24 * signal))) & 128)) = 0 ] ||
            die "$1: Go unblocks signal $signal on its threads: mend overlay() in build.sh."
    done
    ! grep -qF 'runtime.(*scavengerState).wake' <<< "$symbols" ||
        die "$1: Go's scavenger wakes up: mend overlay() in build.sh."
}

# word prints the 4 bytes at the address $2 of the file $1, little-endian, as a number.
word() {
    "$("${CC:-gcc}" -print-prog-name=objdump)" -s --start-address="$2" --stop-address=$(($2 + 4)) "$1" |
        sed -nE 's/^ [0-9a-f]+ (..)(..)(..)(..) .*/0x\4\3\2\1/p'
}

# ffi_files writes, to the folder $2, what PHP binds the library by, whose full path is $1: the header for
# ffi.preload, and the same as a PHP file, which opcache keeps, for where nothing is preloaded.
ffi_files() {
    sed "s|^#define FFI_LIB .*|#define FFI_LIB \"$1\"|" include/transmit_ffi.h > "$2/transmit_ffi.h"
    printf "<?php\n\n// transmit_ffi.h as Cdef/Library.php takes it: the library, the declarations.\nreturn ['%s', '%s'];\n" \
        "$1" "$(grep '^[a-z]' include/transmit_ffi.h)" > "$2/transmit_ffi.php"
}

# Compilers for musl do not see the kernel's headers. What musl has comes first.
kernel_headers() {
    case "${CC-}" in
    musl-gcc) echo "-idirafter /usr/include -idirafter /usr/include/$(gcc -print-multiarch)" ;;
    aarch64-musl-gcc) echo '-idirafter /usr/aarch64-linux-gnu/include' ;;
    esac
}

# third_party prints the licences of what is linked into the library $1. Go's own is also that
# of golang.org/x/sys, for a Go that was installed without it.
third_party() {
    local modules module version
    modules=$(go version -m "$1" | awk '$1 == "dep" { print $2, $3 }')
    printf 'libtransmit.so contains parts of other projects. Their licences:\n'
    licence "Go, $(go env GOVERSION)" "$(go env GOROOT)" "$(go list -m -f '{{.Dir}}' golang.org/x/sys)"
    while read -r module version; do
        licence "$module $version" "$(go list -m -f '{{.Dir}}' "$module")"
    done <<< "$modules"
}

# licence prints the licence of $1, from the first of the other folders that has one.
licence() {
    local name=$1 folder
    shift
    for folder in "$@"; do
        [ -f "$folder/LICENSE" ] || continue
        printf '\n---- %s ----\n\n' "$name"
        cat "$folder/LICENSE"
        return
    done
    die "$name has no LICENSE in $*."
}

# check_results stops the build if a result of transmit.h has no counter and text in door/results.h.
check_results() {
    local result
    while read -r result; do
        grep -q "X($result," door/results.h || die "door/results.h has no row for TRANSMIT_$result of include/transmit.h"
    done < <(sed -nE 's/^#define TRANSMIT_(SENT|BUFFERED|PENDING|E[A-Z0-9]+) .*/\1/p' include/transmit.h)
}

# build_here builds the library into the folder $1, an absolute path.
build_here() {
    local to=$1
    check_go
    check_results
    mkdir -p "$to"
    overlay
    local flags="-Wl,-T,$root/door/export.ld -Wl,--version-script=$root/door/export.map -Wl,-soname,libtransmit.so.1 -Wl,-z,relro,-z,now -Wl,--wrap=pthread_create,--wrap=mmap,--wrap=malloc,--wrap=free"
    CGO_ENABLED=1 CGO_CFLAGS="${CGO_CFLAGS:--O2 -g} $(kernel_headers)" \
        GOROOT=$to/goroot GOTOOLCHAIN=local \
        "$to/goroot/bin/go" build -buildmode=c-shared -trimpath -buildvcs=false -overlay "$to/overlay.json" \
        -ldflags "-w -linkmode=external -extldflags '$flags'" -o "$to/libtransmit.so" .
    check_linked "$to/libtransmit.so"
    rm -f "$to/libtransmit.h" # cgo's; the contract is include/transmit.h
    ln -sf libtransmit.so "$to/libtransmit.so.1"
    ffi_files "$to/libtransmit.so" "$to"
    third_party "$to/libtransmit.so" > "$to/THIRD_PARTY"
}

# build [--oldest] [--to DIR]
build() {
    local to=$root/build where=here
    while [ $# != 0 ]; do
        case "$1" in
        --oldest) where=oldest ;;
        --to) to=$(realpath -m "${2:?}") && shift ;;
        *) die "build: what is '$1'? See ./build.sh help." ;;
        esac
        shift
    done
    "build_$where" "$to"
}

# ---- install ----

# version prints what door.h has: everything else asks here, or is held against it by tests/lint.sh.
version() { sed -n 's/^#define TRANSMIT_VERSION "\(.*\)"/\1/p' door/door.h; }

install_to() {
    local prefix=/usr/local libdir='' from=build
    while [ $# != 0 ]; do
        case "$1" in
        --prefix=*) prefix=${1#*=} ;;
        --prefix) prefix=${2-} && shift $(($# > 1)) ;;
        --libdir=*) libdir=${1#*=} ;;
        --from) from=${2-} && shift $(($# > 1)) ;;
        *) die "install: what is '$1'? See ./build.sh help." ;;
        esac
        shift
    done
    libdir=${libdir:-$prefix/lib}
    [[ $prefix == /* && $libdir == /* ]] || die "install wants absolute paths, got '$prefix' and '$libdir'."
    [ "$from" != build ] || [ -f build/libtransmit.so ] || build
    [ -f "$from/libtransmit.so" ] || die "install: there is no library in '$from'."
    install_files "$prefix" "$libdir" "${DESTDIR-}"
    [ -n "${DESTDIR-}" ] || say_what_next "$prefix" "$libdir"
}

# install_files puts everything under $3, written for being used without.
install_files() {
    local prefix=$1 libdir=$2 to=$3$1 lib=$3$2 library share
    library=libtransmit.so.$(version)
    share=$to/share/libtransmit/php
    install -d "$lib/pkgconfig" "$to"/{include,share/doc/libtransmit,share/man/man3} "$share"
    # By rename: a running process has the old file mapped.
    install -m 755 "$from/libtransmit.so" "$lib/.$library"
    mv -f "$lib/.$library" "$lib/$library"
    ln -sf "$library" "$lib/libtransmit.so.1"
    ln -sf libtransmit.so.1 "$lib/libtransmit.so"
    install -m 644 include/transmit.h "$to/include/"
    install -m 644 include/transmit.3 "$to/share/man/man3/"
    sed "s|@prefix@|$prefix|; s|@libdir@|$libdir|; s|@version@|$(version)|" include/transmit.pc.in > "$lib/pkgconfig/transmit.pc"
    install -m 644 php/*.php php/composer.json "$share/"
    while read -r file; do
        install -D -m 644 "php/$file" "$share/$file"
    done < <(cd php && find src -name '*.php' -o -name '*.css')
    ffi_files "$libdir/libtransmit.so.1" "$share"
    install -m 644 README.md CHANGELOG.md LICENSE "$from/THIRD_PARTY" include/listener.md tests/c/example.c "$to/share/doc/libtransmit/"
    install -m 644 docs/*.md "$to/share/doc/libtransmit/"
    install -m 644 php/README.md "$to/share/doc/libtransmit/README.php.md"
}

say_what_next() {
    local php=$1/share/libtransmit/php
    say "installed to $1. Next:" \
        "  PHP  ffi.preload=$php/transmit_ffi.h and opcache.preload=$php/preload.php in php.ini, then restart PHP" \
        "  PHP  require '$php/transmitter.php'; send_profiling_data(\$profile); or auto_prepend_file=$php/auto_prepend.php" \
        "  C    cc app.c \$(PKG_CONFIG_PATH=$2/pkgconfig pkg-config --cflags --libs transmit); ldconfig once, as root"
}

# ---- verbs ----

verb=${1:-build}
shift $(($# > 0))
case "$verb" in
build) build "$@" ;;
install) install_to "$@" ;;
demo)
    need "$demo_packages"
    build
    exec tests/demo/run.sh
    ;;
test)
    need "$test_packages"
    build
    exec tests/run.sh "$@"
    ;;
soak)
    need "$test_packages"
    build
    exec tests/soak.sh "$@"
    ;;
matrix)
    need "$matrix_packages"
    exec tests/matrix/run.sh "$@"
    ;;
listener)
    [ "${1-}" = telegraf ] || die "listener: which? There is: telegraf."
    need "$listener_packages"
    build
    exec tests/listeners/start.sh
    ;;
bench)
    need "$bench_packages"
    build
    exec go -C tests/bench run . "$@"
    ;;
package)
    need "$package_packages"
    exec tests/package/build.sh
    ;;
version) version ;;
clean) rm -rf build ;;
help | --help | -h) usage ;;
*) die "build.sh: no verb '$verb'; ./build.sh help lists them." ;;
esac
