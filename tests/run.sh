#!/usr/bin/env bash
# All tests, part by part, with a summary. ./build.sh test [--strict] [PART…] runs it.
set -euo pipefail
cd "$(dirname "$0")/.."
. tests/go_test.sh
packages=(./transmit ./transmit/profile ./transmit/listener ./buffer)
# PHPUnit in every suite takes longer than all of these: ./build.sh matrix.
parts=(lint unit guard fuzz c php readme package matrix go components listeners)
long_parts=(foreign) # these run only if they are named

part() {
    case "$1" in
    lint) tests/lint.sh ;;
    unit) unit ;;
    guard) go -C tests/bench run ./guard ;;
    fuzz) fuzz ;;
    c) tests/c/run.sh ;;
    php) php_unit ;;
    readme) tests/readme/run.sh ;;
    package) ./build.sh package && tests/package/run.sh ;;
    components) components ;;
    foreign) tests/foreign.sh ;;
    matrix) TRANSMIT_CHECKS='syntax install contract fpm disabled' tests/matrix/run.sh bullseye bookworm php8.5 ;;
    go) tests/foreign.sh next_go ;;
    listeners) go -C tests test -count=1 -timeout 20m -v -run '^TestListeners' . ;;
    esac
}

# php_unit is as go_test for PHPUnit: a test that fails is tried again with all its data sets.
php_unit() {
    local said status=0 failed
    said=$(mktemp)
    phpunit -v "${phpunit_options[@]}" -c tests/php/phpunit.xml | tee "$said" || status=$?
    failed=$(sed -nE 's/^[0-9]+\) Transmit\\Test\\(\w+::\w+).*/\1/p' "$said" | sort -u | paste -sd '|')
    if [ "$status" != 0 ] && [ -n "$failed" ] && ! grep -q 'were.*skipped' "$said"; then
        echo "once more: $failed"
        status=0
        phpunit -v "${phpunit_options[@]}" -c tests/php/phpunit.xml --filter "($failed)" || status=$?
    fi
    rm -f "$said"
    return "$status"
}

# unit tests one package after the other, for they measure time. With the race
# detector large documents take longer than a call may, memory is not given back,
# and what is on the stack otherwise is allocated: not for those tests.
unit() {
    go_test . -p 1 "${packages[@]}"
    go_test . -race -p 1 -skip 'AllocatesNothing|StopsWhenTimeIsUp|TooLargeForTheKernel|GivesMemoryBack|NoTimeToCut/eight|OversizeIsNotCut|SendSealed_Wedged' "${packages[@]}"
}

# fuzz_one ends well where go test has only been late at the end of its time, and
# has found nothing: https://go.dev/issue/75804, mended in Go 1.27
fuzz_one() {
    local said status=0
    said=$(mktemp)
    go test -run '^$' -fuzz "^$2\$" -fuzztime "$fuzz_time" -fuzzminimizetime 2s "$1" 2>&1 | tee "$said" || status=$?
    if grep -q '^ *context deadline exceeded$' "$said" && ! grep -q 'Failing input' "$said"; then
        status=0
    fi
    rm -f "$said"
    return "$status"
}

# seconds turns 60s or 10m into seconds.
seconds() {
    case "$1" in
    *m) echo $((${1%m} * 60)) ;;
    *) echo "${1%s}" ;;
    esac
}

# fuzz finds the targets by itself. What fails is left in testdata, as a test; the
# fuzzer of the C interface, in tests/, prints its seed.
fuzz() {
    local package target died
    for package in "${packages[@]}"; do
        for target in $(go test -list '^Fuzz' "$package" | grep '^Fuzz'); do
            died=0
            fuzz_one "$package" "$target" || died=1
            printf '%s\t-\t-\t-\t-\t-\t%d\n' "$target" "$died" >> "$TRANSMIT_FIGURES"
            [ "$died" = 0 ]
        done
    done
    php -d ffi.enable=true tests/php/fuzz.php "$(seconds "$fuzz_time")"
    TRANSMIT_FUZZTIME=$fuzz_time go -C tests test -count=1 -timeout 0 -v -run '^TestFuzz' .
}

# components runs them once; a soak, more often and for longer.
components() {
    local runs=${TRANSMIT_RUNS:-1} seconds=${TRANSMIT_SOAK_SECONDS:-0}
    go_test tests -count="$runs" -timeout $((runs * (1200 + seconds)))s -skip '^TestListeners' ./...
}

# run runs one part, and remembers how it ended.
run() {
    local start=$SECONDS status
    printf '\n== %s\n' "$1"
    set +e
    (set -e; part "$1")
    status=$?
    set -e
    [ "$status" = 0 ] && status=ok || status=FAILED failed=1
    summary+=$(printf '%-12s %-6s %4d s' "$1" "$status" $((SECONDS - start)))$'\n'
}

# is_closed: this is root, and php-fpm's workers, who are not, may not read the
# checkout, as in /root.
is_closed() {
    [ "$(id -u)" = 0 ] && ! setpriv --reuid nobody --regid nogroup --clear-groups test -r "$PWD/php/preload.php"
}

# test_a_copy does it all in /tmp. After a failure the copy stays: what fuzzing found is in it.
test_a_copy() {
    local copy
    copy=$(mktemp -d /tmp/transmit-test.XXXXXX)
    echo "php-fpm's workers may not read $PWD: testing a copy, $copy"
    chmod 755 "$copy"
    cp -a . "$copy"
    rm -rf "$copy/build"
    (cd "$copy" && ./build.sh test "$@")
    rm -rf "$copy"
}

if is_closed; then
    test_a_copy "$@"
    exit
fi
phpunit_options=()
if [ "${1-}" = --strict ]; then
    shift
    phpunit_options=(--fail-on-skipped --fail-on-incomplete)
    # A test that cannot run here fails instead of being skipped.
    export TRANSMIT_STRICT=1 TRANSMIT_REQUIRE_NATIVE=1
fi
fuzz_time=${FUZZTIME:-${TRANSMIT_STRICT:+60s}}
fuzz_time=${fuzz_time:-10s}
for part in "$@"; do
    [[ " ${parts[*]} ${long_parts[*]} " == *" $part "* ]] ||
        { echo "test: no part '$part'; there are: ${parts[*]} ${long_parts[*]}" >&2; exit 1; }
done
[ $# = 0 ] || parts=("$@")

# The tests write to this file what became of their profiles.
TRANSMIT_FIGURES=$(mktemp)
export TRANSMIT_FIGURES
trap 'rm -f "$TRANSMIT_FIGURES"' EXIT
failed=0
summary=
for part in "${parts[@]}"; do
    run "$part"
done
[ ! -s "$TRANSMIT_FIGURES" ] || tests/table.sh "$TRANSMIT_FIGURES" || failed=1
printf '\n%s' "$summary"
exit "$failed"
