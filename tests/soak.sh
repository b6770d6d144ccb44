#!/usr/bin/env bash
# Runs long tests for longer, and all others more often, and prints the table. ./build.sh soak [MINUTES] runs it: MINUTES
# for the components, and a third of that, 10 minutes at most, for each fuzzer.
set -euo pipefail
cd "$(dirname "$0")/.."

minutes=${1:-30}
[[ $# -le 1 && $minutes =~ ^[1-9][0-9]{0,4}$ ]] || { echo "soak: '$*' is no number of minutes" >&2; exit 1; }

# One run of the components takes five minutes before anything is prolonged.
TRANSMIT_RUNS=$((1 + minutes / 15))
TRANSMIT_SOAK_SECONDS=$((minutes * 60 / TRANSMIT_RUNS))
fuzz_seconds=$((minutes * 20))
FUZZTIME=$((fuzz_seconds < 600 ? fuzz_seconds : 600))s
export TRANSMIT_RUNS TRANSMIT_SOAK_SECONDS FUZZTIME
exec tests/run.sh fuzz components
