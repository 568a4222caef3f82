#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Fuzzes the parsers that read what strangers send, with libFuzzer (Debian: clang, libclang-rt-dev), under the address
# and undefined behaviour sanitizers.
#
#     tests/fuzz/run.sh [TARGET...]     all, or those named
#
# A target is one file fuzz_TARGET.c. Its comment has the line "Over: FILE..." with the sources that it fuzzes, and
# perhaps "With: PACKAGE..." with libraries as pkg-config knows them; without these it is skipped. FUZZ_SECONDS is how
# long each target runs (default 60), two at a time; FUZZ_SEED from which it draws (default 1, so that CI begins alike
# each time; 0: another each time); FUZZ_BUILD the folder that keeps programs, inputs that reached
# something new, and those that failed (default build-fuzz).

set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
seconds=${FUZZ_SECONDS:-60}
build=${FUZZ_BUILD:-build-fuzz}
mkdir -p "$build"
echo 'int LLVMFuzzerTestOneInput(const char *bytes, unsigned long size) { return bytes[0] == 0 && size == 0; }' |
    clang -fsanitize=fuzzer,address,undefined -x c - -o "$build/probe" 2>"$build/probe.log" || {
    cat "$build/probe.log"
    echo "clang with libFuzzer is not installed"
    exit 77
}

# named MARK TARGET: the words behind the mark in the target's comment.
named() {
    sed -nE "s,^ \* $1: (.*[^ */])( \*/)?$,\1,p" "tests/fuzz/fuzz_$2.c"
}

# compile TARGET
compile() {
    local packages flags=()
    read -r -a packages <<<"$(named With "$1")"
    ((${#packages[@]} == 0)) || read -r -a flags <<<"$(pkg-config --cflags --libs "${packages[@]}")"
    # shellcheck disable=SC2046
    clang -std=gnu11 -g -O1 -D_GNU_SOURCE -Wall -Werror -Iinclude -I. -Idrivers -fno-sanitize-recover=undefined \
        -fsanitize=fuzzer,address,undefined "tests/fuzz/fuzz_$1.c" $(named Over "$1") "${flags[@]}" -o "$build/fuzz_$1"
}

# fuzz TARGET: the last lines are a claim and what was found.
fuzz() {
    local packages corpus=$build/corpus/$1
    read -r -a packages <<<"$(named With "$1")"
    ((${#packages[@]} == 0)) || pkg-config --exists "${packages[@]}" || return 77
    mkdir -p "$corpus"
    compile "$1" && "$build/fuzz_$1" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -max_len=4096 \
        -error_exitcode=1 -seed="${FUZZ_SEED:-1}" -use_value_profile=1 -print_final_stats=1 -artifact_prefix="$build/$1-" "$corpus"
}

# report TARGET STATUS
report() {
    case $2 in
    0) echo "ok - $1: $(sed -nE 's/^stat::number_of_executed_units: *//p' "$build/$1.log") inputs" && passed=$((passed + 1)) ;;
    77) echo "skipped - $1: without $(named With "$1")" && skipped=$((skipped + 1)) ;;
    *) tail -n 60 "$build/$1.log" && echo "not ok - $1" && failed=$((failed + 1)) ;;
    esac
}

targets=("$@")
if ((${#targets[@]} == 0)); then
    for file in tests/fuzz/fuzz_*.c; do
        file=${file##*/fuzz_}
        targets+=("${file%.c}")
    done
fi
passed=0 failed=0 skipped=0
for ((i = 0; i < ${#targets[@]}; i += 2)); do
    pids=()
    for target in "${targets[@]:i:2}"; do
        fuzz "$target" >"$build/$target.log" 2>&1 &
        pids+=($!)
    done
    for j in "${!pids[@]}"; do
        status=0
        wait "${pids[j]}" || status=$?
        report "${targets[i + j]}" "$status"
    done
done
printf '%d passed, %d failed%s\n' "$passed" "$failed" "$( ((skipped == 0)) || echo ", $skipped skipped")"
((failed == 0))
