#!/usr/bin/env bash
# Builds the library for arm64, for musl and with other Gos, by Debian's cross compilers or a downloaded Go. Tests it with
# the same C programs and tests as the one for this machine; arm64 runs under qemu-user.
# foreign.sh [next_go] [old_go] [arm64] [musl]: these, or all.
set -euo pipefail
cd "$(dirname "$0")/.."
. tests/go_test.sh
out=$PWD/build/foreign
passed=0 failed=0 left_out=0

# What both have. TestLoad_StartsNothing is not among them, nor are tests of PHP.
common='Send_.*|Limits_C|BadInput_Arguments|Configure_.*|Listener_.*|NoListener_.*|Wedged_AndReplaced|Contract_Results|Calls_.*'
common+='|Fault_.*|Fork_C|Stop_.*|Storm_C'

# musl has all that glibc has, but dlopen.
musl="$common|BadInput|NoListener|Processes_.*|Descriptors_.*|Crash_.*|Fork_[SW].*|Cancel_.*|Load_BeforeTheHostStarts|Musl_.*"

# qemu-user takes 60 to 200 ms for the start and 50 for a cut, where a call has 50: nothing
# here is timed. A child that is forked while other threads run may hang in qemu itself,
# which also has a thread of its own: nothing here does that, or counts threads.
arm64="$common"

# build TARGET makes the library and the C programs.
build() {
    local to=$out/$1 program name
    mkdir -p "$to/programs"
    CC=$2 GOARCH=$3 ./build.sh build --to "$to"
    for program in tests/c/*.c; do
        name=$(basename "$program" .c)
        grep -q 'main(' "$program" || continue # a library for a test that these targets do not have
        # The kernel's headers after all others, for musl.
        "$2" -std=gnu11 -O1 -Wall -Wextra -Iinclude -idirafter /usr/include -idirafter /usr/include/x86_64-linux-gnu \
            -o "$to/programs/$name" "$program" -L"$to" "-Wl,-rpath,\$ORIGIN/build" -ltransmit -pthread
    done
}

# emulate puts a script in the place of each program, which runs it. Not by qemu's -L: that takes each
# absolute path below its folder first, so that a buffer in /tmp would be made there.
emulate() {
    local program
    for program in "$out/$1"/programs/*; do
        mv "$program" "$program.elf"
        # shellcheck disable=SC2016 # that shell's $0
        printf '#!/bin/sh\nexec qemu-aarch64 %s/ld-linux-aarch64.so.1 --library-path %s "$0.elf" "$@"\n' \
            /usr/aarch64-linux-gnu/lib{,} > "$program"
        chmod 755 "$program"
    done
}

# run_tests runs them. What fails may have been late, and is tried again.
run_tests() {
    TRANSMIT_FIGURES=$out/figures.$1 TRANSMIT_BUILD=$out/$1 TRANSMIT_PROGRAMS=$out/$1/programs \
        go -C tests test -count=1 -short -v -tags "on_$1" -run "^Test($2)\$" . > "$out/log" 2>&1
}

# check runs the tests and counts them.
check() {
    local target=$1 status=0
    run_tests "$@" || { echo "$target: once more" && run_tests "$@"; } || status=$?
    sed -n "s/^--- /$target: /p" "$out/log"
    [ "$status" = 0 ] || tail -n 60 "$out/log"
    # What became of the profiles, for the table that ends the tests.
    [ -z "${TRANSMIT_FIGURES-}" ] || sed "s/^/$target /" "$out/figures.$target" >> "$TRANSMIT_FIGURES"
    passed=$((passed + $(grep -c '^--- PASS' "$out/log" || true)))
    failed=$((failed + $(grep -c '^--- FAIL' "$out/log" || true)))
    [ "$status" = 0 ] || [ "$failed" != 0 ] || failed=1
}

# The Go after that of go.mod, and one that has to fetch that of go.mod.
next_go=go1.27.4
old_go=go1.21.13

# can_fetch says whether $GOTOOLCHAIN is to be had here: the Go module proxy has it. What cannot be had is left out.
can_fetch() {
    timeout 300 go version > "$out/log" 2>&1 && return
    echo "$GOTOOLCHAIN cannot be fetched, and is left out: $(tail -n 1 "$out/log")"
    left_out=$((left_out + 1))
    return 1
}

# test_next_go builds and tests with it, the unit tests included.
test_next_go() {
    local -x GOTOOLCHAIN=$next_go
    can_fetch || return 0
    build next_go gcc "$(go env GOARCH)"
    go version "$out/next_go/libtransmit.so"
    go_test . -p 1 ./transmit/... ./buffer/... && passed=$((passed + 1)) || failed=$((failed + 1))
    check next_go "$common|Load_StartsNothing|Descriptors_.*"
}

# test_old_go wants it to fetch a Go that can build, as one from an archive does: for the demo, of a checkout of its own.
test_old_go() {
    local -x GOTOOLCHAIN=$old_go
    local used
    can_fetch || return 0
    tar --exclude=./build --exclude=./.git -c . | tar -C "$(mkdir "$out/old_go" && echo "$out/old_go")" -x
    env -C "$out/old_go" PATH="$(go env GOROOT)/bin:$PATH" GOTOOLCHAIN=auto ./build.sh demo
    used=$(go version "$out/old_go/build/libtransmit.so")
    echo "$old_go has fetched ${used##* }"
    [ "${used##* }" = "go$(sed -n 's/^go //p' go.mod)" ] && passed=$((passed + 1)) || failed=$((failed + 1))
}

test_arm64() {
    build arm64 aarch64-linux-gnu-gcc arm64
    emulate arm64
    check arm64 "$arm64"
}

test_musl() {
    build musl musl-gcc "$(go env GOARCH)"
    check musl "$musl"
}

rm -rf "$out"
mkdir -p "$out"
[ $# != 0 ] || set -- next_go old_go arm64 musl
for target in "$@"; do
    "test_$target"
done
printf '\n%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" = 0 ] && [ $((passed + left_out)) != 0 ]
