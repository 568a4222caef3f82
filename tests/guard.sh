#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# The guard of `trale simulate`: each function that it has in the place of libc's, called directly, by dlsym(3) and from a
# shared library.

source "$(dirname "$0")/shell.sh"
trale=$build/trale
caller=$build/tests/caller
export TRALE_DRIVERS=$build/drivers HOME=$tmp/home TMPDIR=$tmp/runs
unset TRALE_CONFIG XDG_CONFIG_HOME
mkdir -p "$HOME" "$TMPDIR"
printf '[runtime]\ndrivers = timer\n[driver:timer]\npath = timer.so\n' >"$tmp/trale.ini"
export TRALE_CONFIG=$tmp/trale.ini

clocks=(clock_gettime gettimeofday time timespec_get clock syscall)
sleeps=(nanosleep clock_nanosleep usleep sleep)
entropy=(getrandom getentropy rand random drand48 lrand48 mrand48 open openat fopen)
for name in arc4random arc4random_buf arc4random_uniform; do
    "$caller" list | grep -qx $name && entropy+=($name)
done
others=(pthread_create thrd_create socket getaddrinfo fork posix_spawn posix_spawnp system popen)
all=("${clocks[@]}" "${sleeps[@]}" "${entropy[@]}" "${others[@]}")
ok "the test knows all calls" equal "$(printf '%s\n' "${all[@]}" | sort)" "$("$caller" list | sort)"

# simulate STATUS ARGUMENT...
simulate() {
    local wanted=$1 status=0
    shift
    rm -rf "$TMPDIR"/*
    "$trale" simulate "$@" >"$tmp/out" 2>&1 || status=$?
    ((status == wanted)) || { printf 'exit status %d\n' "$status"; cat "$tmp/out"; return 1; }
}

# warned NAME...: the guard has named these, and where they are called, and no others.
warned() {
    sed -nE 's/^warning: the program leaves the simulation: ([a-zA-Z0-9_]+).*, called by call_.*/\1/p' "$tmp/out" |
        sort -u >"$tmp/named"
    equal "$(cat "$tmp/named")" "$(printf '%s\n' "$@" | sort -u)" || { cat "$tmp/out"; return 1; }
}

for way in direct symbol library; do
    ok "$way: time and entropy are the simulation's, for two runs of a seed are the same" \
        simulate 0 --seeds 1..3 -- "$caller" $way "${clocks[@]}" "${sleeps[@]}" "${entropy[@]}"
    ok "$way: the guard names none of them" warned
    ok "$way: threads, sockets and processes pass" simulate 0 --once --seed 1 -- "$caller" $way "${others[@]}"
    ok "$way: and the guard names each" warned "${others[@]}"
    ok "$way: with --guard warn all passes" \
        simulate 0 --once --seed 1 --guard warn -- "$caller" $way "${clocks[@]}" "${entropy[@]}"
    ok "$way: and is named" warned "${clocks[@]}" "${entropy[@]}"
done

ok "clocks of libc and of the runtime show the same time" simulate 0 --seed 1 -- "$caller" direct clock_gettime
differing=(clock_gettime syscall getrandom getentropy open fopen)
for name in "${differing[@]}"; do
    ok "without the guard two runs differ: $name" simulate 1 --guard off --seeds 1..3 -- "$caller" direct $name
done

refused() {
    simulate 1 --guard refuse --seed 1 -- "$caller" direct "$1" &&
        grep -q "^seed 1: a call that leaves the simulation" "$tmp/out" && grep -q "$1.*, called by call_$1" "$tmp/out" ||
        { cat "$tmp/out"; return 1; }
}
for name in "${all[@]}"; do
    ok "--guard refuse: $name" refused $name
done

# numbers SEED: what the functions gave.
numbers() {
    simulate 1 --once --seed "$1" -- "$caller" direct "${entropy[@]}" fail
    cat "$TMPDIR"/*/seed-*/output
}
seeds_differ() {
    numbers 1 >"$tmp/one" && numbers 2 >"$tmp/two"
    equal "$(grep -cxFf "$tmp/one" "$tmp/two")" 0 && (($(wc -l <"$tmp/one") >= ${#entropy[@]}))
}
ok "each seed gives other numbers" seeds_differ
exit $((failures > 0))
