#!/usr/bin/env bash
# table.sh FILE - prints what became of the profiles of each test. The tests have written that to FILE (figures_test.go).
# If a test ran more than once, its lines are summed up. Fails if a profile was lost or a process died.
set -euo pipefail

awk -F '\t' '
    NF != 7 { notes = notes "  " $0 "\n"; next }
    !($1 in worst) { order[++tests] = $1; worst[$1] = 0 }
    {
        for (i = 2; i <= 5; i++) sum[$1, i] = $i == "-" ? "-" : sum[$1, i] + $i
        if ($6 > worst[$1] + 0) worst[$1] = $6
        died[$1] += $7
        bad += $5 + $7
    }
    END {
        width = 20
        for (t in worst) if (length(t) > width) width = length(t)
        form = "%-" width "s %8s %9s %8s %5s %9s %5s\n"
        printf "\n" form, "test", "sent", "buffered", "refused", "lost", "worst ms", "died"
        for (n = 1; n <= tests; n++) {
            t = order[n]
            ms = worst[t] + 0 > 0 ? sprintf("%.1f", worst[t] / 1000) : "-"
            printf form, t, sum[t, 2], sum[t, 3], sum[t, 4], sum[t, 5], ms, died[t]
        }
        printf "\n%s", notes
        exit bad > 0
    }' "$1"
