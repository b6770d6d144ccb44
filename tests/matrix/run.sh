#!/usr/bin/env bash
# Tests one library file, built on the oldest Debian, with the PHP of each suite: CLI and FPM, preloaded, with
# ffi.enable=true and in plain PHP, with signal storms, forks, generated documents and random values.
# ./build.sh matrix [SUITE…] and ./build.sh test matrix run it.
set -euo pipefail
cd "$(dirname "$0")/../.."
root=$PWD
say() { printf '%s\n' "$@" >&2; }
. tests/matrix/debian.sh

# php…: sid with that PHP from Debian experimental. zts: bookworm with a PHP that has threads.
all=(bullseye bookworm trixie sid php8.5 php8.6 zts)
read -ra checks <<< "${TRANSMIT_CHECKS:-syntax install contract documents fpm signals fork phpunit fuzz threads}"
glibc_limit=2.25
out=$root/build/matrix
# What became of the profiles: for the table that ends the tests, or one of our own.
figures=${TRANSMIT_FIGURES:-$out/figures}
passed=0 failed=0

# tests are those of tests/*_test.go that a check runs.
tests() {
    case "$1" in
    contract) echo 'TestContract_InPHP|TestLoad_(StartsNothing|BeforeTheHostStarts)|TestCalls_.*|TestFault_.*|TestCancel_.*' ;;
    documents) echo TestDifferential ;;
    fpm) echo 'TestFPM_(EveryProfileIsSomewhere|Recipes|PagesStayAsTheyAre)' ;;
    signals) echo 'TestStorm_.*|TestTimeLimit_PHP' ;;
    fork) echo 'TestFork_.*' ;;
    threads) echo 'TestThreads_PHP.*' ;;
    esac
}

# check runs one of them in one suite. Its output says what is wrong.
check() {
    case "$2" in
    syntax) syntax "$1" ;;
    install) inside "$1" "$out" bash /libtransmit/tests/package/oneline.sh /libtransmit/build ;;
    phpunit) phpunit_in "$1" ;;
    disabled) phpunit_in "$1" --filter DisabledTest ;;
    fuzz)
        inside "$1" "$out" env -C /libtransmit TRANSMIT_LATE_MS=300 TRANSMIT_LIBRARY=/libtransmit/build/libtransmit.so \
            php -d ffi.enable=true tests/php/fuzz.php 60
        ;;
    threads) inside "$1" "$out" bash -euc "$(declare -f threaded_host); threaded_host" && go_tests "$1" "$(tests "$2")" ;;
    *) go_tests "$1" "$(tests "$2")" ;;
    esac
}

# syntax wants not even a deprecation.
syntax() {
    # shellcheck disable=SC2016 # that shell's variables
    inside "$1" "$out" bash -euc '
        cd /libtransmit
        for file in $(find php -name "*.php"); do
            said=$(php -d error_reporting=-1 -d display_errors=stderr -d display_startup_errors=1 -l "$file" 2>&1)
            [ "$said" = "No syntax errors detected in $file" ] || { echo "$said"; exit 1; }
        done'
}

# phpunit_in skips what needs more than PHP: Composer, a profiler's extension, cgroups.
# What is late is found out by the part php. A second try is for what has failed in the first.
phpunit_in() {
    local first=$out/$1.phpunit.first again=("${@:2}")
    [ ! -e "$first" ] || again=(--filter "($(sed -nE 's/^[0-9]+\) Transmit\\Test\\(\w+::\w+).*/\1/p' "$first" | sort -u | paste -sd '|'))")
    inside "$1" "$out" env -C /libtransmit TRANSMIT_LATE_MS=300 TRANSMIT_REQUIRE_NATIVE=1 TRANSMIT_LIBRARY=/libtransmit/build/libtransmit.so \
        php build/phpunit -c tests/php/phpunit.xml "${again[@]}"
}

# threaded_host compiles the host with PHP in threads, where there is one: in zts.
threaded_host() {
    # shellcheck disable=SC2046 # options
    gcc -O1 -D_GNU_SOURCE -Wall -Wextra -Wno-unused-parameter -o /libtransmit/build/programs/threads \
        /libtransmit/tests/matrix/threads.c $(php-config --includes) -lphp -pthread
}

# go_tests runs some of the component tests, the long ones shortened.
go_tests() {
    inside "$1" "$out" env -C /libtransmit/tests TRANSMIT_STRICT=1 TRANSMIT_PROGRAMS=/libtransmit/build/programs \
        TRANSMIT_FIGURES="/libtransmit/build/figures.$1" /libtransmit/build/tests -test.short -test.v -test.run "^($2)\$"
}

# build_all makes what every suite gets: the library, the C programs and the tests.
build_all() {
    rm -rf "$out"
    mkdir -p "$out/programs"
    ./build.sh build --oldest --to "$out"
    sed -i "s|$out/|/libtransmit/build/|" "$out"/transmit_ffi.{h,php}
    # shellcheck disable=SC2016 # that shell's variables
    inside "$oldest" "$out" bash -euc '
        cd /libtransmit
        for program in tests/c/*.c; do
            to=build/programs/$(basename "$program" .c)
            if grep -q "main(" "$program"; then
                gcc -std=gnu11 -O1 -Wall -Iinclude -o "$to" "$program" \
                    -Lbuild "-Wl,-rpath,\$ORIGIN/build" -ltransmit -pthread -ldl -lrt
            else
                gcc -std=gnu11 -O1 -Wall -shared -fPIC -o "$to" "$program" -ldl
            fi
        done'
    ln -s . "$out/glibc-$(go env GOARCH)" # as tar.sh wants it
    tests/package/tar.sh "$(go env GOARCH)" "$out" "$out"
    cp "$(command -v phpunit)" "$out/phpunit" # the same for all: it takes PHP 7.3 and newer
    CGO_ENABLED=0 go -C tests test -c -tags on_matrix -o "$out/tests" .
}

# note takes one result into the counts and prints it for the table.
note() {
    local name=$1 seconds=$2 status=$3
    if [ "$status" = 0 ]; then
        passed=$((passed + 1))
        row+=$(printf ' %12s' "ok $seconds s")
    else
        failed=$((failed + 1))
        row+=$(printf ' %12s' FAILED)
        printf '\n== %s FAILED\n' "$name" && tail -n 60 "$out/log"
    fi
}

# glibc wants the library to need none that is newer than README says.
glibc() {
    local highest
    highest=$(objdump -T "$out/libtransmit.so" | grep -o 'GLIBC_[0-9.]*' | sort -Vu | tail -n 1)
    echo "The library needs ${highest/_/ }; README says glibc $glibc_limit."
    [ "$(printf '%s\n' "$glibc_limit" "${highest#GLIBC_}" | sort -V | tail -n 1)" = "$glibc_limit" ]
}

# versions prints a suite's PHP and glibc.
versions() {
    # shellcheck disable=SC2016 # that shell's variables
    inside "$1" "$out" bash -c 'php -r "echo PHP_VERSION;"; ldd --version | sed -n "1s/.* / /p"'
}

# try wants some tests to run, too. What fails may have been late, on a busy machine, and
# has a second try; a profile that is lost stays in the figures, and fails the whole.
try() {
    check "$1" "$2" > "$out/log" 2>&1 && ! grep -q 'no tests to run' "$out/log"
}

# skip is not a failure: what Debian does not have cannot be tried. A PHP with threads it has as a source.
skip() {
    echo "-- $1: left out, for Debian does not have it, as said above"
    table+=$(printf '%-9s left out' "$1")$'\n'
}

# run prints one line of the table at the end, and what has failed at once.
run() {
    local suite=$1 check start status php libc
    read -r php libc <<< "$(versions "$suite")"
    row=$(printf '%-9s %-12s %-6s' "$suite" "$php" "$libc")
    for check in "${checks[@]}"; do
        start=$SECONDS status=0
        [ "$check" != threads ] || [ "$suite" = zts ] || continue
        # PHP 7.4 warns where PHP 8 throws an Error. On the others, phpunit has it.
        [ "$check" != disabled ] || [ "$suite" = bullseye ] || continue
        echo "-- $suite: $check"
        try "$suite" "$check" || { echo '   once more' && mv "$out/log" "$out/$suite.$check.first" && try "$suite" "$check"; } || status=1
        note "$suite: $check" $((SECONDS - start)) "$status"
    done
    table+=$row$'\n'
    [ ! -e "$out/figures.$suite" ] || sed "s/^/$suite /" "$out/figures.$suite" >> "$figures"
}

can_debootstrap || {
    say "The matrix of PHP versions is left out."
    [ "${TRANSMIT_STRICT-}" != 1 ] # which strict mode forbids
    exit
}
[ $# != 0 ] || set -- "${all[@]}"
for suite in "$@"; do
    [[ " ${all[*]} " == *" $suite "* ]] || { say "matrix: no suite '$suite'; there are: ${all[*]}"; exit 1; }
done
lock_folders
make_folders "$oldest" "$@" || is_made "$oldest" || exit
build_all
table=$(printf '%-9s %-12s %-6s' suite PHP glibc; printf ' %12s' "${checks[@]}")$'\n'
for suite in "$@"; do
    # A suite may have left the archive, and experimental may not have that PHP.
    if is_made "$suite"; then
        run "$suite"
    elif [ "$suite" = zts ]; then
        row= && note 'zts: it could not be built, as said above' 0 1
    else
        skip "$suite"
    fi
done
[ "$figures" != "$out/figures" ] || [ ! -e "$figures" ] || tests/table.sh "$figures" || failed=$((failed + 1))
row=
status=0
needs=$(glibc) || status=$?
note "$needs" 0 "$status"
printf '\n%s%s\n%d passed, %d failed\n' "$table" "$needs" "$passed" "$failed"
[ "$failed" = 0 ]
