# shellcheck shell=bash
# Sourced by scripts that run Go's tests.

# go_test runs go test in a folder. What fails has a second try by itself: on a busy machine it may have
# been late. A profile that is lost stays in the figures, and fails the whole.
go_test() {
    local folder=$1 said status=0 failed
    shift
    said=$(mktemp)
    go -C "$folder" test "$@" 2>&1 | tee "$said" || status=$?
    failed=$(sed -n 's/^--- FAIL: \([A-Za-z0-9_]*\) .*/\1/p' "$said" | sort -u | paste -sd '|')
    if [ "$status" != 0 ] && [ -n "$failed" ] && ! grep -qE '^panic:|^fatal error:' "$said"; then
        echo "once more: $failed"
        status=0
        go -C "$folder" test "$@" -count=1 -run "^($failed)\$" || status=$?
    fi
    rm -f "$said"
    return "$status"
}
