#!/usr/bin/env bash
# Every task of this project has a verb here; ./build.sh help lists them.
set -euo pipefail
cd "$(dirname "$0")"
root=$PWD

say() { printf '%s\n' "$*" >&2; }
die() { say "build.sh: $*"; exit 1; }

# patched copies a file of the Go runtime, edits it (sed), and prints what
# go build -overlay needs; exactly so many lines must have changed.
patched() {
    local file=$1 lines=$2 edit=$3 source copy=build/$1
    source=$(go env GOROOT)/src/runtime/$file
    sed -E "$edit" "$source" > "$copy"
    [ "$(diff "$source" "$copy" | grep -c '^>')" = "$lines" ] ||
        die "$source of $(go version) is not as expected." \
            "Build with a Go that is (1.26), or mend overlay() in build.sh."
    printf '"%s": "%s"' "$source" "$root/$copy"
}

# overlay replaces two files of the Go runtime for this build. Go unblocks SIGPROF
# and SIGCHLD on its own threads, and a handler that the host installed without
# SA_ONSTACK (PHP before 8.3) would overwrite a goroutine's stack there. And Go's
# background scavenger sleeps by a timer, which starts the network poller: a host
# that closes the poller's descriptors would be aborted.
overlay() {
    local signals scavenger
    signals=$(patched sigtab_linux_generic.go 2 '/"SIG(CHLD|PROF):/s/ \+ _SigUnblock//')
    scavenger=$(patched mgcscavenge.go 1 '/^func \(s \*scavengerState\) wake\(\) \{$/a return')
    printf '{"Replace": {%s, %s}}\n' "$signals" "$scavenger" > build/overlay.json
}

build() {
    mkdir -p build
    overlay
    local flags="-Wl,-T,$root/export.ld -Wl,--version-script=$root/export.map -Wl,-soname,libtransmit.so.1 -Wl,-z,relro,-z,now"
    CGO_ENABLED=1 go build -buildmode=c-shared -trimpath -buildvcs=false -overlay build/overlay.json \
        -ldflags "-w -extldflags '$flags'" -o build/libtransmit.so .
    rm -f build/libtransmit.h # cgo's; the contract is include/transmit.h
    ln -sf libtransmit.so build/libtransmit.so.1
    sed "s|^#define FFI_LIB .*|#define FFI_LIB \"$root/build/libtransmit.so\"|" include/transmit_ffi.h > build/transmit_ffi.h
}

case "${1:-build}" in
build) build ;;
*) die "no verb '$1'" ;;
esac
