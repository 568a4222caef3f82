#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Several programs in one simulated world: by hand the echo server and the echo client of the examples; and by
# `trale simulate` the DNS forwarder with programs around it, and programs that misbehave.

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
    TRALE_CONFIG=$tmp/2.ini "$build/examples/echo_client" "$address" one two three >"$tmp/client" 2>"$tmp/2.log" ||
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

# --- by `trale simulate`: a resolver, its upstream and a client ---------------------------------------------------------

export TRALE_CONFIG=$root/config/trale.ini TMPDIR=$tmp/runs
mkdir "$TMPDIR"
odd=$build/tests/odd
client=("$build/tests/dns_client" 10.0.0.2:53)
resolver=(-- "${client[@]}" -- "$build/examples/dns_forwarder" 10.0.0.3:53 10.0.0.2:53 -- "$build/tests/dns_server" 10.0.0.3:53)

# simulate STATUS ARGUMENT...: expects that exit status, and keeps what is printed in $tmp/said.
simulate() {
    local wanted=$1 status=0
    rm -rf "${TMPDIR:?}"/*
    "$build/trale" simulate "${@:2}" >"$tmp/said" 2>&1 || status=$?
    ((status == wanted)) || { echo "exit status $status"; cat "$tmp/said"; return 1; }
}

# says STATUS TEXT ARGUMENT...
says() {
    simulate "$1" "${@:3}" && { grep -qF -- "$2" "$tmp/said" || { echo "not found: $2"; cat "$tmp/said"; return 1; }; }
}

# crashes LINE ARGUMENT...: with this fault alone, of one seed, whose events are in $tmp/events. Each run is made twice.
crashes() {
    echo "$1" >"$tmp/scenario"
    simulate 0 --seed 1 --scenario "$tmp/scenario" "${@:2}" &&
        simulate 0 --seed 1 --scenario "$tmp/scenario" --once --events "$tmp/events" "${@:2}"
}

# happened TIME PROGRAM KIND: in milliseconds; how often.
happened() {
    awk -F '\t' -v time="$1" -v program="$2" -v kind="$3" \
        '$2 == time * 1000000 && (program == "any" || $4 == program) && $8 == kind { n++ } END { print n + 0 }' "$tmp/events"
}

ok "a client, a resolver and its upstream pass in many worlds, with crashes" \
    says 0 "passed: 100 seeds, 200 runs" --seeds 1..100 --servers 2,3 "${resolver[@]}"

ok "a program whose host crashes is started again, in the same way each time" \
    crashes 'at 3s crash 10.0.0.2, restart after 2s' --servers 2,3 "${resolver[@]}"
ok "... at that time" equal "$(happened 3000 any crash) $(happened 5000 any restart) $(happened 5000 2 join)" "1 1 1"
ok "... and binds its port again" equal "$(happened 0 2 bind) $(happened 5000 2 bind)" "1 1"
ok "... and gets other random numbers than in its first life" \
    equal "$(awk -F '\t' '$4 == 2 && $8 == "entropy"' "$tmp/events" | grep -o 'hash=.*' | sort | uniq -d)" ""
ok "all hosts crash at once" crashes 'at 3s crash *, restart after 2s' --servers 2,3 "${resolver[@]}"
ok "... and are started again, one after the other" \
    equal "$(happened 5000 1 join) $(happened 5000 2 join) $(happened 5000 3 join)" "1 1 1"
ok "a host that is down from the beginning" crashes 'at 0s crash 10.0.0.2, restart after 2s' --servers 2,3 "${resolver[@]}"
ok "... is started later" equal "$(happened 2000 2 join)" 1
ok "a server that is down when the others have ended is not started again" \
    crashes 'at 900ms crash 10.0.0.2, restart after 2s' --servers 2 -- "$odd" brief -- "$odd" slow
ok "... and the run is over" equal "$(happened 1000 any outcome) $(happened 2900 any restart)" "1 0"
echo 'at 3s crash 10.0.0.2, restart after 2s' >"$tmp/scenario"
# What the server says at its end may follow, if it gets that far before it is killed.
both_lives() {
    simulate 1 --seed 1 --scenario "$tmp/scenario" --set loss=100% --servers 2,3 "${resolver[@]}" &&
        equal "$(sed -n '/dns_forwarder:$/,/^    [^ ]/s/^        //p' "$tmp/said" | head -n 4)" "listening on 10.0.0.2:53
sim: crashed after 3.000000000 s
sim: started again after 5.000000000 s
listening on 10.0.0.2:53" &&
        grep -qF -- "again: trale simulate --seed 1 --scenario $tmp/scenario --set loss=100% --servers 2,3 -- " "$tmp/said"
}
ok "a failure shows what both lives have printed, and how to run it again" both_lives
echo 'at 3s crash 10.0.0.2 keep' >"$tmp/scenario"
ok "a host that stays down" says 1 "n3.example. was not answered" --seed 1 --scenario "$tmp/scenario" --servers 2,3 "${resolver[@]}"

# --- names: two servers that cut answers off, and a client that asks again over TCP --------------------------------------

cat >"$tmp/names.ini" <<END
[runtime]
drivers = timer, udp, stream, signal, random, resolve
[driver:timer]
path = timer.so
[driver:udp]
path = udp.so
[driver:stream]
path = stream.so
[driver:signal]
path = signal.so
[driver:random]
path = random.so
[driver:resolve]
path = resolve.so
servers = 10.0.0.2:53 10.0.0.3:53
search = .
ndots = 1
hosts =
timeout = 1s
tries = 2
queries = 3
END
names=(--servers 2,3 -c "$tmp/names.ini" -- "$build/tests/names_client" -- "$build/tests/names_server" 10.0.0.2:53
    -- "$build/tests/names_server" 10.0.0.3:53)
if "$build/trale" drivers --options -c "$tmp/names.ini" | grep -q '^resolve *servers'; then
    ok "names are found whole, over UDP and TCP, in many worlds, with loss, resets and crashes" \
        says 0 "passed: 12 seeds, 24 runs" --seeds 1..12 "${names[@]}"
fi

# --- programs that serve ------------------------------------------------------------------------------------------------

brief=(--set swarm=no --seed 1 --servers 2 -- "$odd" brief -- "$odd")
ok "a server has time to end after SIGTERM" says 0 "14.0 s of virtual time" "${brief[@]}" slow
ok "... but no more than stop_within" \
    says 1 "not stopped: a program that serves has not ended in time" --set stop_within=4s "${brief[@]}" slow
ok "a server that goes on for ever is named by where it waits" says 1 "odd waits for trale_sleep at" "${brief[@]}" stubborn
ok "one that does not await SIGTERM is ended by it" says 1 "$odd does not await SIGTERM" "${brief[@]}" deaf
ok "... and has failed" grep -q "killed by SIGTERM" "$tmp/said"
ok "without --servers it is a hang" says 1 "hang: tasks wait" --set swarm=no --seed 1 -- "$odd" brief -- "$odd" stubborn

# --- programs that are no part of the world -----------------------------------------------------------------------------

both=(--set swarm=no --seed 1 --timeout 2s -- "$odd" brief -- "$odd")
ok "a program that ends before it is in the world" says 1 "$odd has not joined the other programs" "${both[@]}" exits
ok "... has opened no runtime" grep -q "has ended without a runtime" "$tmp/said"
ok "one that never joins" says 1 "$odd has not joined the other programs" "${both[@]}" waits
ok "... makes the run late" grep -q "the real time has reached its limit" "$tmp/said"
ok "one that goes on in another session" says 1 "$odd has not joined the other programs" "${both[@]}" daemon
none_left() {
    ! grep -lzxF "$odd" /proc/[0-9]*/cmdline 2>/dev/null
}
ok "... is dead afterwards" none_left
ok "one that is killed while it runs" says 1 "killed by SIGKILL" "${both[@]}" dies
ok "one that vanishes is missed by none" says 0 "passed: 1 seed" "${both[@]}" vanishes
ok "... nor if it is the first" says 0 "passed: 1 seed" --set swarm=no --seed 1 -- "$odd" vanishes -- "$odd" brief -- "$odd" brief
ok "... in the same way each time" says 0 "passed: 20 seeds" --set swarm=no --seeds 1..20 -- "$odd" vanishes -- "$odd" brief -- "$odd" brief

ok "the sum of many centuries is right" says 0 "of virtual time" --set swarm=no --seeds 1..2 -- "$odd" centuries
ok "... in days" bash -c "(($(sed -n 's/.* \([0-9]*\) d .*/\1/p' "$tmp/said") == 4 * 200 * 366))"

# --- the command line, and no command -----------------------------------------------------------------------------------

two=(-- "$odd" brief -- "$odd" brief)
ok "--servers that is no list" says 2 "--servers x: not a list of programs; write for example --servers 2,3" --servers x "${two[@]}"
ok "--servers beyond the programs" says 2 "--servers 2,3: there are programs 1 to 2" --servers 2,3 "${two[@]}"
ok "--servers of all programs" says 2 "one program at least must end by itself" --servers 1,2 "${two[@]}"
ok "an address for several programs" says 2 "--set address: several programs have a host each" --set address=10.0.0.9 "${two[@]}"
{ sed 's/^drivers *=.*/drivers = sim/; s/^threads *=.*/threads = 0/' "$root/config/trale.ini" && printf '[driver:sim]\naddress = 10.0.0.9\n'; } |
    awk '/^\[driver:sim\]/ { if (seen++) next } 1' >"$tmp/address.ini"
ok "... that trale.ini has is not used" says 0 "passed: 1 seed" -c "$tmp/address.ini" --seed 1 --set swarm=no "${two[@]}"

by_hand() {
    local status=0
    echo 'at 500us crash 10.0.0.1' >"$tmp/scenario"
    meet "scenario = $tmp/scenario" || status=$?
    ((status != 0)) && grep -q "program 1, at home on 10.0.0.1, has crashed, and is not started again" "$tmp/2.log"
}
ok "programs that were started by hand are killed by a crash, and stay so, which is said" by_hand
used_up() {
    configure 1
    ! TRALE_CONFIG=$tmp/1.ini timeout 60 "$odd" brief >"$tmp/1.log" 2>&1 &&
        grep -F "an earlier run has made it; each run needs a new file" "$tmp/1.log"
}
ok "a world that an earlier run has made is refused" used_up
