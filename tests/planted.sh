#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Bugs that protocols have had, planted into programs (tests/planted/): `trale simulate` finds each, shrinks it to a few
# faults, and fails in the same way with those alone. Without the bug the same sweep passes.

source "$(dirname "$0")/shell.sh"
export TRALE_DRIVERS=$build/drivers TRALE_CONFIG=$root/config/trale.ini TMPDIR=$tmp/runs
mkdir "$TMPDIR"
seeds=1..100

# simulate STATUS OPTION... -- PROGRAM...: expects that exit status, and keeps in $tmp/out what is printed.
simulate() {
    local wanted=$1 status=0
    shift
    "$build/trale" simulate --set time_limit=30s "$@" >"$tmp/out" 2>&1 || status=$?
    ((status == wanted)) || { printf 'exit status %d\n' "$status"; cat "$tmp/out"; return 1; }
}

# fails_with TEXT OPTION... -- PROGRAM...
fails_with() {
    local text=$1
    shift
    rm -rf "$TMPDIR"/*
    simulate 1 "$@" && { grep -qF -- "$text" "$tmp/out" || { cat "$tmp/out"; return 1; }; }
}

few_faults() {
    local n
    n=$(wc -l <"$tmp/faults")
    ((n <= 3)) || { cat "$tmp/faults"; return 1; }
}

# planted BUG TEXT ARGUMENT...: the text is of the failure.
planted() {
    local bug=$1 text=$2
    shift 2
    local program=("$build/tests/planted_$bug" "$@")
    ok "$bug: found" fails_with "$text" --once --shrink --seeds "$seeds" -- "${program[@]}"
    seed=$(sed -n 's/^seed \([0-9]*\): .*/\1/p' "$tmp/out")
    cp "$TMPDIR"/*/seed-*/shrunk "$tmp/faults"
    ok "... shrunk to three faults at most" few_faults
    ok "... and the same again with these alone" \
        fails_with "$text" --seed "$seed" --scenario "$tmp/faults" -- "${program[@]}"
}

for program in transfer session inbox; do
    ok "$program passes without a bug" simulate 0 --seeds "$seeds" -- "$build/tests/$program"
done
nodes=(-m 20 -p 500 10.0.0.1:1000 10.0.0.2:1000 10.0.0.3:1000)
ok "reliable passes without a bug" simulate 0 --seeds "$seeds" -- "$build/examples/reliable" "${nodes[@]}"

planted crossing "has come without data"
planted starvation "the virtual time has reached time_limit"
planted backoff "timeouts the sender does not wait any more"
planted stale "the virtual time has reached time_limit"
planted select "was acknowledged, and the inbox has not got it"
planted duplicate "twice" "${nodes[@]}"
