#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# `trale simulate`: sweeps, verdicts, programs that are not deterministic, and wrong command lines.

source "$(dirname "$0")/shell.sh"
trale=$build/trale
flawed=$build/tests/flawed
marked=$build/tests/flawed_marks
export TRALE_DRIVERS=$build/drivers HOME=$tmp/home TMPDIR=$tmp/runs
unset TRALE_CONFIG XDG_CONFIG_HOME
mkdir -p "$HOME" "$TMPDIR"
cat >"$tmp/trale.ini" <<'INI'
[runtime]
drivers = timer, random
threads = 2
watchdog = 100ms
[driver:timer]
path = timer.so
[driver:random]
path = random.so
INI
export TRALE_CONFIG=$tmp/trale.ini

# simulate STATUS ARGUMENT...: runs it, expects that exit status, and keeps what it prints in $tmp/out.
simulate() {
    local wanted=$1 status=0
    shift
    rm -rf "$TMPDIR"/*
    "$trale" simulate "$@" >"$tmp/out" 2>&1 || status=$?
    ((status == wanted)) || { printf 'exit status %d\n' "$status"; cat "$tmp/out"; return 1; }
}

# says TEXT...: each is on a line of what the command printed.
says() {
    local text
    for text; do
        grep -qF -- "$text" "$tmp/out" || { printf 'not found: %s\n' "$text"; cat "$tmp/out"; return 1; }
    done
}

# prints STATUS TEXT ARGUMENT...
prints() {
    simulate "$1" "${@:3}" && says "$2"
}

nothing_left() {
    equal "$(ls "$TMPDIR")" ""
}

# --- sweeps -----------------------------------------------------------------------------------------------------------

ok "a program without a flaw passes" prints 0 "passed: 20 seeds, 40 runs" --seeds 1..20 -- "$flawed"
ok "a sweep without failures leaves no files" nothing_left
ok "--once runs each seed once" prints 0 "passed: 20 seeds, 20 runs" --once --seeds 1..20 -- "$flawed"
ok "the drivers of trale.ini are replaced, and it is found as programs find it" \
    prints 0 "passed: 1 seed" -c "$tmp/trale.ini" --seed 7 -- "$flawed"
ok "virtual time is added up" bash -c "grep -q 'of virtual time' '$tmp/out'"

found() {
    simulate 1 --seeds 1..200 "$@" -- "$flawed" exit && sed -n 's/^seed \([0-9]*\): .*/\1/p' "$tmp/out" >"$tmp/seed"
}
ok "a failure is found" found
seed=$(cat "$tmp/seed")
ok "and shown with the exit status, the message and the command that runs it again" says "seed $seed: exit status 3" \
    "the number is" "again: trale simulate --seed $seed -- $flawed exit"
ok "the command that is shown runs it again" prints 1 "seed $seed: exit status 3" --seed "$seed" -- "$flawed" exit
ok "with many jobs at once it is the same seed" found -j 7
ok "the lowest one" equal "$(cat "$tmp/seed")" "$seed"
ok "and with one" found -j 1
ok "it is the same as well" equal "$(cat "$tmp/seed")" "$seed"
ok "the folder of the failure has its trale.ini, output, report and events" \
    bash -c "cd '$TMPDIR'/*/seed-$seed && grep -q '^seed = $seed$' trale.ini && grep -q number output && test -s report && test -s events"
ok "with --events the command that is shown is the same" prints 1 "again: trale simulate --seed $seed -- $flawed exit" \
    --events "$tmp/events" --seed "$seed" -- "$flawed" exit
ok "the file of events has payloads" bash -c "grep -q '^capture = yes' '$TMPDIR'/*/seed-$seed/trale.ini"
ok "unless they are not wanted" prints 1 "--set capture=no -- $flawed exit" \
    --events "$tmp/events" --set capture=no --seed "$seed" -- "$flawed" exit
ok "--until all goes on, and counts the ways" prints 1 "in 2 ways" --until all --seeds 1..100 -- "$flawed" two
ok "each way is shown once" equal "$(grep -c '^seed ' "$tmp/out")" 2
ok "places of the sweep are not left" equal "$(ls "$TMPDIR"/*/ | grep -c job)" 0

# --- verdicts ---------------------------------------------------------------------------------------------------------

verdict() {
    ok "verdict: $2" prints 1 "$2" --until fail --seeds 1..100 "${@:3}" -- "$flawed" "$1"
}
verdict signal "killed by SIGABRT (Aborted)"
verdict assertion "Assertion \`!(is(\"assertion\") && number % 7 == 3)' failed."
verdict hang "hang: tasks wait, and nothing can wake one"
ok "a hang is named by where the task waits" says "waiter waits for never at"
verdict endless "the virtual time has reached time_limit" --set time_limit=1h
verdict endless "not settled: no end and no success in the time of quiet" --settle 10s
ok "a program that has reported success, and goes on, has settled" prints 0 "passed: 20 seeds" --settle 10s --seeds 1..20 \
    -- "$flawed" successful
verdict loop "the real time has reached its limit (--timeout)" --timeout 1s
verdict flood "the output is larger than 256 MB"
ok "a program that empties its environment is simulated as before" prints 0 "passed: 1 seed, 2 runs" --seed 1 -- "$flawed" clearenv
verdict no_runtime "the program has ended without a runtime in the simulation"
[[ ${TRALE_SANITIZE:-none} != *address* ]] || verdict overflow "a sanitizer has reported"
ok "the last lines of the output are shown" prints 1 "line 99" --lines 3 --seed 1 -- "$flawed" lines
ok "and no more" bash -c "! grep -q 'line 96' '$tmp/out' && grep -q 'line 97' '$tmp/out'"
ok "... whatever bytes they have" prints 1 "        before\\x00behind\\x1b[31m" --seed 1 -- "$flawed" binary
ok "a mark that no seed reaches fails the sweep" prints 1 'never reached: trale_sometimes("the number is 8")' \
    --seeds 1..100 -- "$marked"
ok "nor another one with a long name" says \
    'never reached: trale_sometimes("a name of more than 55 bytes, of which there are two that differ only at their end: two")'
ok "the others are reached" equal "$(grep -c 'never reached' "$tmp/out")" 2
ok "more marks than are counted" prints 2 "the programs have 513 names of trale_sometimes; allowed are 512" --seed 1 \
    -- "$build/tests/flawed_many_marks"
ok "one seed is no sweep" prints 0 passed --seed 1 -- "$marked"

# --- programs that are not deterministic ------------------------------------------------------------------------------

differs() {
    ok "a program that $1 is not deterministic, and it is said why" simulate 1 --seeds 1..5 "${@:4}" -- "$flawed" "$2"
    ok "... $3" says "not deterministic" "$3" "the first event that differs:"
}
differs "uses the address of a variable" address "it depends on addresses"
# chains TEXT: in both runs, where the poll goes on, and where it waits then.
chains() {
    equal "$(grep -cE -- "^ {16}$1" "$tmp/out")" 4 || { cat "$tmp/out"; return 1; }
}
differs "does so behind three futures" deep "it depends on addresses"
ok "... both runs are shown with their whole await chains: the outermost future" chains 'work at .*, awaiting trale_call\(outer, &self->outer\)$'
ok "... the ones between" chains 'outer at .*, awaiting trale_call\(inner, &self->inner\)$'
ok "... with the text of the source" equal "$(grep -cF 'awaiting (self->text = "a\\n\tb\n", trale_sleep(' "$tmp/out")" 2
ok "... the innermost one" chains 'trale_sleep$'
chains_are_no_events() {
    simulate 0 --seed 1 --events "$tmp/plain" -- "$flawed" deeper &&
        simulate 0 --seed 1 --events "$tmp/chains" --set chains=yes -- "$flawed" deeper && grep -q $'\tchain=work' "$tmp/chains" &&
        ! grep -q chain= "$tmp/plain" && diff <(cut -f 1-8 "$tmp/plain") <(cut -f 1-8 "$tmp/chains")
}
ok "chains in a file of events change nothing else" chains_are_no_events
limited() {
    simulate 1 --seed 1 --set events_limit=1K -- "$flawed" address &&
        says "the file of events has reached its limit, and ends before event" "(--set events_limit=SIZE)" \
            "one run: event" "is not in the file" && (($(wc -c <"$(echo "$TMPDIR"/*/seed-1/events)") < 2048))
}
ok "a file of events has a limit, and what is missing is said" limited
limit_is_marked() {
    simulate 0 --seed 1 --events "$tmp/cut" --set events_limit=1K -- "$flawed" &&
        cut -f 8 "$tmp/cut" | tail -n 1 | grep -qx limit && equal "$(cut -f 8 "$tmp/cut" | grep -c limit)" 1 &&
        simulate 0 --seed 1 --events "$tmp/whole" --set events_limit=0 -- "$flawed" &&
        diff <(head -n -1 "$tmp/cut") <(head -n "$(($(wc -l <"$tmp/cut") - 1))" "$tmp/whole") &&
        "$trale" view traffic "$tmp/cut" >"$tmp/out" && "$trale" view perfetto "$tmp/cut" >"$tmp/out"
}
ok "its last line says so, and it can be viewed" limit_is_marked
differs "hashes pointers" hash "it depends on addresses"
# ThreadSanitizer has an allocator of its own, which fills nothing.
[[ ${TRALE_SANITIZE:-none} == thread ]] || differs "uses memory that it has not written" memory "it depends on memory"
differs "uses its process id" process "it depends on something that differs from process to process"
differs "reads a real clock" clock "it depends on a real clock" --guard warn
ok "... the place is named" says "clock_gettime, called by"
differs "draws real random numbers" entropy "it depends on real random numbers" --guard warn
ok "... the place is named" says "it calls getrandom, called by"
ok "the guard gives it simulated ones" prints 0 "passed" --seeds 1..5 -- "$flawed" entropy
differs "counts in a thread" thread "it depends on when threads run"
ok "... the place is named" says "it calls pthread_create, called by"
ok "the guard gives it a simulated clock" prints 0 "passed" --seeds 1..5 -- "$flawed" clock
ok "or refuses it" prints 1 "a call that leaves the simulation" --guard refuse --seed 1 -- "$flawed" clock

for sleep in before ever end; do
    ok "the longest sleeps of libc are as long as the clock goes: $sleep" prints 0 passed --seed 1 -- "$flawed" $sleep
done

# --- several programs -------------------------------------------------------------------------------------------------

sed 's/drivers = .*/drivers = timer, udp, random/' "$tmp/trale.ini" >"$tmp/pair.ini"
printf '[driver:udp]\npath = udp.so\n' >>"$tmp/pair.ini"
pair=(-c "$tmp/pair.ini" --set swarm=no --seeds 1..5)
echo_pair=(-- "$build/examples/echo_server" -n 2 10.0.0.1:7 -- "$build/examples/echo_client" 10.0.0.1:7 hello world)
ok "several programs share a world" prints 0 "passed: 5 seeds, 10 runs" "${pair[@]}" "${echo_pair[@]}"
ok "one of them fails" prints 1 "world: Connection timed out" --set loss=100% "${pair[@]}" "${echo_pair[@]}"
ok "the output is shown program by program" says "output of $build/examples/echo_server:" "listening on 10.0.0.1:7" \
    "output of $build/examples/echo_client:"

# --- datagrams that stay on their host --------------------------------------------------------------------------------

note="note: all that was sent has stayed on its host, where no fault of a link can touch it"
reliable=(-c "$tmp/pair.ini" --seeds 1..5 -- "$build/examples/reliable")
ok "a sweep in which no fault of a link could do anything says so" prints 0 "$note" "${reliable[@]}" 127.0.0.1:0 127.0.0.1:0
ok "also where one host sends to itself" prints 0 "$note" "${reliable[@]}" 10.0.0.1:1 10.0.0.1:2
says_nothing() {
    simulate 0 "$@" && ! grep note: "$tmp/out"
}
ok "one with several hosts does not" says_nothing "${reliable[@]}" 10.0.0.1:1 10.0.0.2:1
ok "nor one without datagrams" says_nothing --seeds 1..5 -- "$flawed"

echo 'from 0s latency * -> * 3000s' >"$tmp/long"
weakened() {
    simulate 1 -c "$tmp/pair.ini" --set time_limit=10s --shrink --scenario "$tmp/long" -- "$build/examples/reliable" 10.0.0.1:1 10.0.0.2:1 &&
        says "faults: the only one is necessary" && sed -n 's/^ *from 0s latency \* -> \* \([0-9]*\).*s$/\1/p' "$tmp/out" | { read -r n && ((n < 100)); }
}
ok "many seconds are weakened as few are" weakened

printf '; a comment\nat 0s loss 10.0.0.1 -> fd00::a00:2 1%%\nat 0s crash 10.0.0.77\nat 1h pause 10.0.0.1 for 1s\n' >"$tmp/idle"
idle="note: this fault did nothing in any run, for it has not begun, or a host of it does not exist:"
ok "faults of a scenario that do nothing are named: one of a host that does not exist" \
    prints 0 "$idle at 0s crash 10.0.0.77" -c "$tmp/pair.ini" --scenario "$tmp/idle" --seeds 1..5 -- "$build/examples/reliable" 10.0.0.1:1 10.0.0.2:1
ok "... one that begins after the end of the runs" says "$idle at 1h pause 10.0.0.1 for 1s"
ok "... and no others" equal "$(grep -c '^note: this fault' "$tmp/out")" 2

# --- scenarios: with a stand-in for the driver sim --------------------------------------------------------------------

mkdir "$tmp/standin"
cp "$build/tests/standin.so" "$tmp/standin/sim.so"
cp "$build/drivers/trale-guard.so" "$tmp/standin/"
printf '[runtime]\ndrivers =\n' >"$tmp/standin.ini"
chmod 755 "$tmp/standin"/*
standin() {
    TRALE_DRIVERS=$tmp/standin "$@"
}
faulty=(-c "$tmp/standin.ini" -- "$build/tests/faulty")
ok "the faults of a failure are shown" standin prints 1 "at 4s clock 10.0.0.1 step -3s" --seed 5 "${faulty[@]}"
ok "--shrink leaves the necessary ones" standin prints 1 "3 of 8 are necessary" --shrink --seed 5 "${faulty[@]}"
ok "as weak as can be" equal "$(cat "$TMPDIR"/*/seed-5/shrunk)" "from 0s loss 10.0.0.1 -> * 3%
at 1.7s partition 10.0.0.1 | 10.0.0.2 for 100ms
at 1s drop 10.0.0.1 -> 10.0.0.2 2"
again=$(sed -n 's/^    again: //p' "$tmp/out")
replayed() {
    local status=0
    TRALE_DRIVERS=$tmp/standin bash -c "${again/#trale/$trale}" >"$tmp/out" 2>&1 || status=$?
    ((status == 1)) && says "an acknowledgement of 17 was lost" "exit status 1"
}
ok "the command that is shown replays them" replayed
cp "$TMPDIR"/*/seed-5/shrunk "$tmp/shrunk"
ok "--scenario takes faults of one's own" standin prints 1 "an acknowledgement" --scenario "$tmp/shrunk" "${faulty[@]}"
ok "faults that are all necessary" standin prints 1 "faults: all 3 are necessary" --shrink --scenario "$tmp/shrunk" "${faulty[@]}"
printf 'at 3s crash 10.0.0.3\nat 4s clock 10.0.0.1 step -3s\n' >"$tmp/crash"
ok "one that is necessary" standin prints 1 "faults: one of 2 is necessary" --shrink --scenario "$tmp/crash" "${faulty[@]}"
sed -i /clock/d "$tmp/crash"
ok "the only one" standin prints 1 "faults: the only one is necessary" --shrink --scenario "$tmp/crash" "${faulty[@]}"
sed -i /loss/d "$tmp/shrunk"
ok "without one of them the program passes" standin prints 0 "passed" --scenario "$tmp/shrunk" --seed 5 "${faulty[@]}"

ok "--cancel-everywhere cancels a task at each of its awaits" standin prints 1 "5 awaits, 8 runs" --until all \
    --cancel-everywhere worker --seed 5 "${faulty[@]}"
ok "and shows where that fails" says "seed 5, worker cancelled at await 2: exit status 1 (and 1 other)" \
    "a lock is held" "2 awaits failed, in 1 way" "--cancel-everywhere worker --cancel-at 2"
ok "--cancel-at does so at one" standin prints 0 "passed: 1 await" --cancel-everywhere worker --cancel-at 3 --seed 5 "${faulty[@]}"
ok "an await that does not come is refused" standin prints 2 "--cancel-at 6: allowed: 1 to 5, the awaits of worker" \
    --cancel-everywhere worker --cancel-at 6 --seed 5 "${faulty[@]}"
ok "a task that is not there" standin prints 2 "--cancel-everywhere client: no task of this name has awaited anything" \
    --cancel-everywhere client --seed 5 "${faulty[@]}"

stubborn=(--cancel-everywhere worker --seed 1 --timeout 1h)
ok "a program that tries again for ever has a limit of virtual time" \
    prints 1 "worker cancelled at await 1: the virtual time has reached time_limit" "${stubborn[@]}" -- "$flawed" stubborn
ok "... 10 times that of the run without an abort, and 10 min" says "time limit after 620.000000000 s" \
    "again: trale simulate --seed 1 --cancel-everywhere worker --cancel-at 1 -- $flawed stubborn"
ok "... or what the command line says" prints 1 "time limit after 30.000000000 s" "${stubborn[@]}" --set time_limit=30s -- "$flawed" stubborn
{ cat "$tmp/trale.ini" && printf '[driver:sim]\npath = sim.so\ntime_limit = 40s\n'; } >"$tmp/limit.ini"
ok "... or trale.ini" prints 1 "time limit after 40.000000000 s" -c "$tmp/limit.ini" "${stubborn[@]}" -- "$flawed" stubborn
ok "... at one await as well" prints 1 "time limit after 620.000000000 s" "${stubborn[@]}" --cancel-at 2 -- "$flawed" stubborn

# --- JSON -------------------------------------------------------------------------------------------------------------

json() {
    simulate "$1" --json "${@:3}" || return 1
    python3 -c "import json, sys; found = json.load(open('$tmp/out')); sys.exit(not ($2))" || { cat "$tmp/out"; return 1; }
}
if command -v python3 >/dev/null; then
    ok "JSON of faults that did nothing" json 0 "found['idle_faults'] == ['at 0s crash 10.0.0.77', 'at 1h pause 10.0.0.1 for 1s']" \
        -c "$tmp/pair.ini" --scenario "$tmp/idle" --seed 1 -- "$build/examples/reliable" 10.0.0.1:1 10.0.0.2:1
    ok "JSON of a sweep that passes" json 0 "found['ok'] and found['done'] == 5 and found['failures'] == []" \
        --seeds 1..5 -- "$flawed"
    ok "JSON of one that fails" json 1 "not found['ok'] and found['failures'][0]['seed'] == $seed and
        found['failures'][0]['verdict'] == 'exit' and found['failures'][0]['again'].startswith('trale simulate --seed $seed')" \
        --seeds 1..200 -- "$flawed" exit
    ok "JSON has the chains" json 1 "all('outer at' in found['failures'][0][key] for key in ('resumed_at', 'waits_at',
        'other_resumed_at', 'other_waits_at'))" --seed 1 -- "$flawed" deep
    for cause in address process entropy thread; do
        ok "JSON has the cause: $cause" json 1 "found['failures'][0]['cause'] == '${cause/process/other}'" --guard warn \
            --seeds 1..5 -- "$flawed" $cause
    done
    ok "JSON has the note" json 0 "found['linked'] == 0 and found['sent'] > 0 and 'no fault of a link' in found['note']" \
        "${reliable[@]}" 127.0.0.1:0 127.0.0.1:0
    ok "JSON of a sweep without it" json 0 "found['linked'] > 0 and found['note'] is None" "${reliable[@]}" 10.0.0.1:1 10.0.0.2:1
    ok "JSON has the marks" json 1 "sorted(m['name'] for m in found['marks'])[-3:] == ['it works', 'the number is 3', 'the number is 8']
        and len(found['marks']) == 5 and found['marks_lost'] == 0" \
        --seeds 1..2 -- "$marked"
fi

# --- mistakes ---------------------------------------------------------------------------------------------------------

wrong() {
    ok "$1" prints 2 "$2" "${@:3}"
}
wrong "no program" "no program is named; write -- PROGRAM [ARGUMENT...]" --seed 1
wrong "a seed that is no number" "--seed x: not a seed; allowed: 0 to" --seed x -- "$flawed"
wrong "a range that is none" "--seeds 5: not a range of seeds; write for example --seeds 1..10000" --seeds 5 -- "$flawed"
wrong "a range backwards" "the first seed is larger than the last one" --seeds 5..1 -- "$flawed"
wrong "no jobs" "--jobs 0: not allowed; allowed: 1 to" -j 0 -- "$flawed"
wrong "an unknown end" "--until never: not one of fail or all" --until never -- "$flawed"
wrong "an unknown guard" "--guard dog: not one of virtualise, warn, refuse or off" --guard dog -- "$flawed"
wrong "a time without a unit" "--timeout 5: not a time" --timeout 5 -- "$flawed"
wrong "a task to cancel in many runs" "--cancel-everywhere is for one seed" --cancel-everywhere x -- "$flawed"
wrong "a time that is given twice" "--set settle: --settle 10s says it already" --settle 10s --set settle=5s -- "$flawed"
wrong "a key that is none" "--set x: not KEY=VALUE" --set x -- "$flawed"
wrong "a key of the command" "this key is set by trale simulate itself" --set seed=3 -- "$flawed"
wrong "a key that sim does not have" "error: --set weather=rain: [driver:sim] weather: no such key" --set weather=rain -- "$flawed"
wrong "a value of the wrong type" "error: --set latency=1m: [driver:sim] latency = 1m: not a duration" --set latency=1m -- "$flawed"
wrong "a value that the driver refuses" "error: --set loss=500%: [driver:sim] loss = 500%: allowed is a rate from 0% to 100%" \
    --set loss=500% -- "$flawed"
ok "... is said once, and no seed has failed" bash -c "! grep -q '^seed' '$tmp/out' && (( \$(grep -c 'loss = 500%' '$tmp/out') == 1 ))"
wrong "the same with many jobs" "error: --set loss=500%: " -j 8 --set loss=500% -- "$flawed"
wrong "the same with JSON" "error: --set loss=500%: " --json --set loss=500% -- "$flawed"
wrong "the same where a task is cancelled" "error: --set loss=500%: " --cancel-everywhere work --seed 1 --set loss=500% -- "$flawed"
wrong "the same with several programs" "error: --set loss=500%: " -c "$tmp/pair.ini" --set loss=500% "${echo_pair[@]}"
wrong "a scenario that is not there" "error: --scenario: [driver:sim] scenario = $tmp/absent: No such file or directory" \
    --scenario "$tmp/absent" -- "$flawed"
printf '; faults\nfrom 0s los * -> * 1%%\n' >"$tmp/los"
wrong "a scenario with a mistake" "error: $tmp/los:2: 'los' is not a fault" --scenario "$tmp/los" -- "$flawed"
wrong "a file of events that cannot be written" "error: --events: [driver:sim] events = $tmp/absent/events: No such file" \
    --events "$tmp/absent/events" --seed 1 -- "$flawed"
if [[ -w /dev/full ]]; then
    wrong "a file of events that cannot be written any more" "error: --events /dev/full: No space left on device" \
        --events /dev/full --seed 1 -- "$flawed"
    ok "... which changes nothing in a failure" prints 1 "error: --events /dev/full: No space left on device" \
        --events /dev/full --seed "$seed" -- "$flawed" exit
fi
printf '[runtime]\ndrivers = sim\nthreads = 0\n[driver:sim]\npath = sim.so\n\nloss = 7\n' >"$tmp/loss.ini"
wrong "a value of trale.ini that the driver refuses" "error: $tmp/loss.ini:7: [driver:sim] loss = 7: allowed is a rate" \
    -c "$tmp/loss.ini" -- "$flawed"
ok "the command line replaces it" prints 0 "passed: 1 seed" -c "$tmp/loss.ini" --set loss=1% --seed 1 -- "$flawed"
{ sed 's/random$/random, kept/' "$tmp/trale.ini" && printf '[driver:kept]\npath = %s\n' "$build/tests/drivers/flaw_fails_start.so"; } >"$tmp/kept.ini"
wrong "a driver that is kept, and does not start" "did not start" -c "$tmp/kept.ini" -- "$flawed"
wrong "a program that is not there" "absent: No such file or directory" -- "$tmp/absent"
wrong "a program that is none" "Permission denied" -- "$tmp/trale.ini"
wrong "an option that is none" "see trale simulate --help" --colour -- "$flawed"
{ cat "$tmp/trale.ini" && echo "colour = red"; } >"$tmp/wrong.ini"
wrong "a configuration with a mistake" "[driver:random] colour: no such key" -c "$tmp/wrong.ini" -- "$flawed"
ok "nothing is left after mistakes" nothing_left
ok "--help explains all" prints 0 "--seeds A..B" --help

# A signal ends the command, its programs and its files. interrupted SIGNAL STATUS
interrupted() {
    rm -rf "$TMPDIR"/*
    "$trale" simulate --timeout 1h --seed 1 -- "$flawed" loop >"$tmp/out" 2>&1 &
    local simulation=$! status=0
    until [[ -s $(echo "$TMPDIR"/*/job-0/trale.ini) ]]; do kill -0 "$simulation" || return 1; done
    kill -"$1" "$simulation"
    wait "$simulation" || status=$?
    ((status == $2)) && nothing_left && equal "$(find /proc -maxdepth 2 -name exe -lname "$(realpath "$flawed")" 2>/dev/null)" ""
}
ok "an interrupt ends it, and leaves nothing" interrupted INT 130
ok "so does a reader of its output that has gone" interrupted PIPE 141
