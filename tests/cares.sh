#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# c-ares, driven by trale_fd_wait, resolves names over loopback, from the test's own name server.

source "$(dirname "$0")/shell.sh"
resolve=$build/examples/cares
upstream=$build/tests/dns_upstream
[[ -x $resolve ]] || skip "c-ares (libc-ares-dev) was not there when the build folder was set up"

resolved() { # NAME...: each has the address that the name server gives to all
    local found name wanted=
    for name; do wanted+="$name: 192.0.2.1"$'\n'; done
    found=$("$resolve" -s "$address" -t 200 "$@" | sort) && equal "$found" "$(sort <<<"${wanted%$'\n'}")"
}

unresolved() { # NAME...
    fails "$resolve" -s "$address" -t 20 "$@"
}

for threads in 1 2 0; do
    use_threads $threads
    start upstream "$upstream"
    ok "threads = $threads: a name is resolved" resolved www.example.
    ok "threads = $threads: names are resolved at once" resolved name{1..300}.example.
    stop upstream
    start upstream "$upstream" -k 3
    ok "threads = $threads: a query that is lost is sent again after c-ares's timeout" resolved lost.example.
    stop upstream
    start upstream "$upstream" -k 0
    ok "threads = $threads: a name server that is silent is given up" unresolved silent.example.
    stop upstream
    ok "threads = $threads: so is one that is not there" unresolved gone.example. other.example.
done
