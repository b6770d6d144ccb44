#!/usr/bin/env bash
# Every task of this project has a verb here; ./build.sh help lists them.
set -euo pipefail
cd "$(dirname "$0")"
root=$PWD

say() { printf '%s\n' "$*" >&2; }
die() { say "build.sh: $*"; exit 1; }

# overlay replaces one file of the Go runtime for this build: Go unblocks SIGPROF
# and SIGCHLD on its own threads, and a handler that the host installed without
# SA_ONSTACK (PHP before 8.3) would overwrite a goroutine's stack there.
overlay() {
    local source copy=build/sigtab_linux_generic.go.txt
    source=$(go env GOROOT)/src/runtime/sigtab_linux_generic.go
    sed -E '/"SIG(CHLD|PROF):/s/ \+ _SigUnblock//' "$source" > "$copy"
    [ "$(diff "$source" "$copy" | grep -c '^>.*"SIG\(CHLD\|PROF\):')" = 2 ] ||
        die "the signal table of $(go version) is not as expected: $source." \
            "Build with a Go that is (1.26), or look for _SigUnblock there and mend overlay() in build.sh."
    printf '{"Replace": {"%s": "%s"}}\n' "$source" "$root/$copy" > build/overlay.json
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
