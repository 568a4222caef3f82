#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Two unmodified programs in one simulated world: the echo server and the echo client of the examples.

source "$(dirname "$0")/shell.sh"

export TRALE_DRIVERS=$build/drivers
address=10.0.0.1:7000

# configure NUMBER OPTION...: writes the trale.ini of a program.
configure() {
    printf '%s\n' '[runtime]' 'drivers = sim' 'threads = 0' '[driver:sim]' 'path = sim.so' "address = 10.0.0.$1" \
        "world = $tmp/world" 'programs = 2' "program = $1" "events = $tmp/events" "${@:2}" >"$tmp/$1.ini"
}

# meet OPTION...: runs both. $tmp/client is what the client prints, $tmp/events what happened.
meet() {
    local server
    rm -f "$tmp/world"
    configure 1 "$@"
    configure 2 "$@"
    TRALE_CONFIG=$tmp/1.ini "$build/examples/echo_server" -n 3 "$address" >"$tmp/server" &
    server=$!
    TRALE_CONFIG=$tmp/2.ini "$build/examples/echo_client" "$address" one two three >"$tmp/client" ||
        { kill -KILL "$server" && return 1; }
    wait "$server" && equal "$(cat "$tmp/server")" "listening on $address"
}

answers_at_once() {
    meet && equal "$(cat "$tmp/client")" "one (2.000 ms, tries: 1)
two (2.000 ms, tries: 1)
three (2.000 ms, tries: 1)"
}

answers_late() {
    meet 'latency = 200ms' && equal "$(tail -n 1 "$tmp/client")" "three (400.000 ms, tries: 1)"
}

repeats() {
    local first
    meet 'seed = 7' 'jitter = 1ms' && first=$(<"$tmp/events") && meet 'seed = 7' 'jitter = 1ms' || return 1
    diff <(echo "$first") "$tmp/events" && grep -q $'\treceived\t' "$tmp/events"
}

differs() {
    local first
    meet 'seed = 7' 'jitter = 1ms' && first=$(<"$tmp/events") && meet 'seed = 8' 'jitter = 1ms' || return 1
    [[ $first != "$(<"$tmp/events")" ]]
}

ok "a server and a client meet in one world" answers_at_once
ok "the world's latency is that of the network" answers_late
ok "the same seed is the same run, event for event" repeats
ok "another seed is another run" differs
