#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# The reliable delivery of the examples in many simulated worlds, in the time that docs/simulation.md says: a minute of
# two processors for 10,000 seeds, each run twice. It is counted in processor time, since others may use the machine.
#
#     tests/sweep.sh [SEEDS]

source "$(dirname "$0")/shell.sh"
seeds=${1:-10000}
export TRALE_DRIVERS=$build/drivers TRALE_CONFIG=$root/config/trale.ini TMPDIR=$tmp
limit_s=$((2 * 60))

sweep() {
    "$build/trale" simulate --json --seeds "1..$seeds" -- "$build/examples/reliable" -m 20 -p 500 \
        10.0.0.1:1000 10.0.0.2:1000 10.0.0.3:1000 >"$tmp/result" || { cat "$tmp/result"; return 1; }
}

in_time() {
    (($1 <= limit_s)) || { echo "$1 seconds of processor time; the limit is $limit_s"; return 1; }
}

ok "no seed of $seeds fails" sweep
times >"$tmp/times" # of the children: in user mode, in the kernel
seconds=$(awk -F '[ms ]' 'NR == 2 { print int(60 * ($1 + $4) + $2 + $5) }' "$tmp/times")
ok "and they take a minute of two processors at most" in_time "$seconds"
awk -v seconds="$seconds" -F '[:,]' '
    /"runs"/ { runs = $NF == "" ? $(NF - 1) : $NF }
    /"virtual_ns"/ { printf "%d runs: %d simulated seconds and %d datagrams in %.1f seconds, %d of processor time\n",
                     runs, $4 / 1e9, $8, $2, seconds }' "$tmp/result"
