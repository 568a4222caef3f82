#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# The examples do what their first lines say, in each thread layout.

source "$(dirname "$0")/shell.sh"
examples=$build/examples

hello_overlaps() {
    "$examples/hello" >"$tmp/hello" || return 1
    cat "$tmp/hello"
    equal "$(sed 's/^.* s: //; s/1\.[0-9] seconds/1.x seconds/' "$tmp/hello" | head -2 | sort)" \
        $'task 1 starts\ntask 2 starts' &&
        equal "$(sed -n '3,4s/^.* s: //p' "$tmp/hello" | sort)" $'task 1 ends\ntask 2 ends' &&
        grep -q '^two sleeps of 1 second took 1\.[0-9] seconds$' "$tmp/hello"
}

echoes() {
    local printed
    printed=$("$examples/echo_client" "$address" one 'two words' '' $'\xc3\xa4') || return 1
    equal "$(sed -E 's/ \([0-9.]+ ms, tries: [1-3]\)$//' <<<"$printed")" $'one\ntwo words\n\n\xc3\xa4'
}

fibers_ask() {
    local printed
    printed=$("$examples/fiber" "$address" one 'two words' '' $'\xc3\xa4') || return 1
    equal "$(sed -E 's/ \(tries: [1-3]\)$//' <<<"$printed")" $'one\ntwo words\n\n\xc3\xa4'
}

# One address answers, the other belonged to a server that has ended.
finds_out() {
    local there=$address gone
    start gone "$examples/echo_server" && gone=$address && stop gone
    address=$there
    equal "$("$examples/reachable" "$there" "$gone" | sort)" \
        "$(printf '%s\n' "$there: answers" "$gone: Connection refused, says 127.0.0.1:0" | sort)"
}

# beats POLICY MINIMUM MAXIMUM: ten awaits have counted that many beats.
beats() {
    local printed n_beats
    printed=$("$examples/ticker" "$1") || return 1
    n_beats=$(sed -n 's/^awaited 10 times, \([0-9]*\) beats$/\1/p' <<<"$printed")
    echo "$1: $printed"
    grep -q '^silence$' <<<"$printed" && ((n_beats >= $2 && n_beats <= $3))
}

catches_up() {
    beats burst 10 10 && beats delay 10 10
}

hands_over() {
    equal "$("$examples/handoff" 1000 | grep -v '^\.$')" $'10 deposits\n168 primes'
}

pipeline_works() {
    equal "$("$examples/pipeline")" '20 jobs, sum of squares 2870'
}

# graceful NAME OPTION...: starts the service. datagram TEXT: sends it one, and waits until it is accepted.
graceful() {
    local name=$1
    shift
    sed "s/^\[runtime\]/&\nthreads = $threads/" "$root/examples/graceful.ini" >"$tmp/graceful.ini"
    TRALE_CONFIG=$tmp/graceful.ini start "$name" "$examples/graceful" "$@"
}

datagram() {
    printf '%s' "$2" >"/dev/udp/${address%:*}/${address##*:}"
    read -r -t 60 -u "${output[$1]}" said
}

# await_line NAME PATTERN: reads output until a line matches.
await_line() {
    local line
    while read -r -t 60 -u "${output[$1]}" line; do
        echo "$line"
        # shellcheck disable=SC2053
        [[ $line == $2 ]] && return 0
    done
    return 1
}

# The second signal is sent when the service has reported the first: the kernel may merge two pending signals into one.
twice() {
    kill -TERM "${pid[$1]}"
    await_line "$1" 'SIGTERM: *' && stop "$1" INT
}

writes_down() {
    kill -USR1 "${pid[$1]}"
    await_line "$1" '*acceptor at *' && await_line "$1" trale_udp_recv
}

one_of_two() {
    local status=0
    "$@" || status=$?
    echo "$said"
    [[ $status == 1 && $said == *'echoed 0 of 2' ]]
}

ends_what_is_under_way() {
    stop "$1" && equal "$said" $'SIGTERM: 2 under way\nechoed 2 of 2'
}

looks_up() {
    sed "s/^\[runtime\]/&\nthreads = $threads/" "$root/examples/lookup.ini" >"$tmp/lookup.ini"
    local printed
    printed=$(TRALE_CONFIG=$tmp/lookup.ini "$examples/lookup" 127.0.0.9 ::1 192.0.2.1 host.localhost | sort) || return 1
    grep -q '^host.localhost: 127' <<<"$printed" || { echo "$printed"; return 1; }
    equal "$(grep -v localhost <<<"$printed")" $'127.0.0.9: 127.0.0.9\n192.0.2.1: 192.0.2.1\n::1: [::1]'
}

# A name in place of an address, from a hosts file of the test's own, which the driver without c-ares does not take.
echoes_by_name() {
    local printed
    [[ -x $examples/cares ]] || return 0
    printf '127.0.0.1 echo.test\n' >"$tmp/hosts"
    sed "s|^path = resolve.so|&\nhosts = $tmp/hosts|" "$tmp/lookup.ini" >"$tmp/names.ini"
    printed=$(TRALE_CONFIG=$tmp/names.ini "$examples/echo_client" "echo.test:${address##*:}" word) && [[ $printed == 'word ('* ]]
}

# Without the driver there is a message that names it.
needs_driver() {
    fails "$@" 2>"$tmp/message"
    cat "$tmp/message"
    grep -q 'no driver offers trale.resolve/1' "$tmp/message"
}

# A command that fails twice runs three times; what is left of its group does not hold back its output.
supervises() {
    local printed
    rm -f "$tmp/runs"
    # shellcheck disable=SC2016
    printed=$(TRALE_CONFIG=$tmp/supervisor.ini "$examples/supervisor" -d 1 sh -c \
        'echo >>"$0"; printf "run %s" "$(($(wc -l <"$0")))"; sleep 1000 & [ "$(($(wc -l <"$0")))" -eq 3 ]' "$tmp/runs") || return 1
    equal "$(sed -E 's/^\[[0-9]+\]/[]/; s/in [0-9]+ ms/later/' <<<"$printed")" "[] runs sh
[] run 1
it failed with status 1, and runs again later
[] runs sh
[] run 2
it failed with status 1, and runs again later
[] runs sh
[] run 3"
}

# ends_supervised STATUS LINE OPTION... SCRIPT: at SIGTERM, the status and what is written.
ends_supervised() {
    local status=0 expected=$1 last=$2
    shift 2
    TRALE_CONFIG=$tmp/supervisor.ini start supervised "$examples/supervisor" "${@:1:$#-1}" sh -c "${*: -1}"
    await_line supervised '*up' && { stop supervised || status=$?; } && echo "$said" && [[ $status == "$expected" && $said == *"$last" ]]
}

sums_up() {
    local printed
    sed "s/^\[runtime\]/&\nthreads = $threads/" "$root/examples/checksum.ini" >"$tmp/checksum.ini"
    printf Wikipedia >"$tmp/text"
    : >"$tmp/nothing"
    printed=$(TRALE_CONFIG=$tmp/checksum.ini "$examples/checksum" "$tmp/text" "$tmp/nothing" | sort) || return 1
    equal "$printed" "00000001  $tmp/nothing"$'\n'"11e60398  $tmp/text"
}

# copy_tree BACKEND OPTION...: copies a tree, and compares each byte. All kinds of names, sizes and depths.
copies() {
    sed "s/^\[runtime\]/&\nthreads = $threads/; s/^path = file.so/&\nbackend = $1/" "$root/examples/copy_tree.ini" >"$tmp/copy.ini"
    local deep=$tmp/tree i
    if [[ ! -e $deep ]]; then
        for i in 1 2 3 4 5; do
            deep=$deep/depth-$i
            mkdir -p "$deep/empty"
            head -c $((i * 70001)) /dev/urandom >"$deep/bytes"
            : >"$deep/"$'line\nbreak'
        done
        for i in {1..200}; do echo "$i" >"$tmp/tree/$i"; done
        chmod 750 "$tmp/tree/1"
    fi
    rm -rf "$tmp/copied"
    TRALE_CONFIG=$tmp/copy.ini "$examples/copy_tree" "$tmp/tree" "$tmp/copied" | grep -q '^210 files, 1050707 bytes$' &&
        diff -r "$tmp/tree" "$tmp/copied" && [[ -x $tmp/copied/1 && -d $tmp/copied/depth-1/depth-2/empty ]]
}

# A link is left out, and not followed.
leaves_links() {
    mkdir "$tmp/links"
    ln -s /etc/passwd "$tmp/links/passwd"
    mkfifo "$tmp/links/fifo"
    equal "$(TRALE_CONFIG=$tmp/copy.ini "$examples/copy_tree" "$tmp/links" "$tmp/unlinked" | sort)" \
        "0 files, 0 bytes"$'\n'"left out: ./fifo"$'\n'"left out: ./passwd" && [[ -z $(ls "$tmp/unlinked") ]]
}

# In a simulation the files are the real ones. `trale simulate` runs each seed twice, and compares what happens.
copies_in_a_simulation() {
    local again='rm -rf "$2" && exec "$0" "$1" "$2"'
    TRALE_CONFIG=$tmp/copy.ini "$build/trale" simulate --seeds 1..5 -j 1 -- \
        sh -c "$again" "$examples/copy_tree" "$tmp/tree" "$tmp/copied" && diff -r "$tmp/tree" "$tmp/copied"
}

# The UDP driver formats the addresses.
for threads in 1 2 0; do
    use_threads $threads

    ok "threads = $threads: a heart that skips beats knows how many" beats skip 13 1000000
    ok "threads = $threads: a heart that catches up, or puts off, has missed none" catches_up
    ok "threads = $threads: what a thread hands over arrives" hands_over
    ok "threads = $threads: files are read on threads" sums_up
    ok "threads = $threads: one that is not there fails" fails env TRALE_CONFIG="$tmp/checksum.ini" "$examples/checksum" nowhere
    ok "threads = $threads: a tree is copied byte by byte" copies auto
    ok "threads = $threads: a tree is copied by threads alone" copies blocking
    ok "threads = $threads: names are looked up" looks_up
    ok "threads = $threads: what is no name fails" fails env TRALE_CONFIG="$tmp/lookup.ini" "$examples/lookup" a..b

    sed "s/^\[runtime\]/&\nthreads = $threads/" "$root/examples/supervisor.ini" >"$tmp/supervisor.ini"
    ok "threads = $threads: a command that fails runs again" supervises
    ok "threads = $threads: at SIGTERM, a command ends in order" ends_supervised 4 bye \
        'trap "echo bye; exit 4" TERM; echo up; while :; do sleep 0.01; done'
    ok "threads = $threads: one that does not is killed" ends_supervised 137 ends -g 1 \
        'trap "" TERM; echo up; while :; do sleep 1; done'
    ok "threads = $threads: one that is not there fails" fails env TRALE_CONFIG="$tmp/supervisor.ini" "$examples/supervisor" "$tmp/none"

    graceful patient -w 300
    datagram patient one
    datagram patient two
    ok "threads = $threads: at SIGTERM, the service ends what is under way, with status 0" ends_what_is_under_way patient

    graceful hasty -w 1000000 -g 1
    datagram hasty one
    datagram hasty two
    ok "threads = $threads: when the time is up, it drops what is left" one_of_two stop hasty

    graceful driven -w 1000000 -g 1000000
    datagram driven one
    ok "threads = $threads: at SIGUSR1 it writes down what its tasks wait for" writes_down driven
    printf two >"/dev/udp/${address%:*}/${address##*:}"
    await_line driven 'accepted 2' >/dev/null
    ok "threads = $threads: a second signal ends the waiting at once" one_of_two twice driven
    ok "threads = $threads: two sleeps of a second take one second" hello_overlaps

    ok "threads = $threads: the pipeline does all its jobs" pipeline_works
    ok "threads = $threads: a pipeline that takes too long is given up" fails "$examples/pipeline" 100000

    ok "threads = $threads: three nodes apply each other's values once" \
        "$examples/reliable" -m 100 127.0.0.1:0 127.0.0.1:0 127.0.0.1:0

    start server "$examples/echo_server"
    ok "threads = $threads: the echo server answers" echoes
    ok "threads = $threads: its address may be a name" echoes_by_name
    ok "threads = $threads: which needs the driver" needs_driver "$examples/echo_client" "localhost:${address##*:}" word
    ok "threads = $threads: who is there is found out, and who is not" finds_out
    ok "threads = $threads: fibers ask the echo server" fibers_ask
    ok "threads = $threads: the echo server ends with status 0 at SIGTERM" stop server
    ok "threads = $threads: the echo client fails when nobody answers" \
        fails "$examples/echo_client" "$address" text
    ok "threads = $threads: fibers give up when nobody answers" fails "$examples/fiber" "$address" one two

    start server "$examples/echo_server" -n 3
    ok "threads = $threads: three are echoed" "$examples/echo_client" "$address" one two three
    ok "threads = $threads: the echo server ends by itself after -n 3 datagrams" ended server

    start server "$examples/echo_server"
    ok "threads = $threads: an address that is taken is refused" \
        fails "$examples/echo_server" "$address"
    ok "threads = $threads: the echo server ends with status 0 at SIGINT" stop server INT
done

ok "links and pipes are left out of a copy" leaves_links
ok "a tree is copied in a simulation, each time alike" copies_in_a_simulation
ok "a folder is not copied into itself" fails env TRALE_CONFIG="$tmp/copy.ini" "$examples/copy_tree" "$tmp/tree" "$tmp/tree/new"
ok "... and has nothing new then" test ! -e "$tmp/tree/new"
ok "nothing is written over" fails env TRALE_CONFIG="$tmp/copy.ini" "$examples/copy_tree" "$tmp/tree" "$tmp/copied"
ok "what is no address is refused by the server" fails "$examples/echo_server" nonsense
ok "what is no address is refused by the client" fails "$examples/echo_client" nonsense text
ok "what is no address is refused by the nodes" fails "$examples/reliable" nonsense 127.0.0.1:0
ok "what is no address is refused by the fibers" fails "$examples/fiber" nonsense text
