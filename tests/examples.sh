#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# The examples do what they say, whoever polls.

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

pipeline_works() {
    equal "$("$examples/pipeline")" '20 jobs, sum of squares 2870'
}

for threads in 1 2 0; do
    use_threads $threads
    ok "threads = $threads: two sleeps of a second take one second" hello_overlaps

    ok "threads = $threads: the pipeline does all its jobs" pipeline_works
    ok "threads = $threads: a pipeline that takes too long is given up" fails "$examples/pipeline" 100000

    start server "$examples/echo_server"
    ok "threads = $threads: the echo server answers" echoes
    ok "threads = $threads: the echo server ends with status 0 at SIGTERM" stop server
    ok "threads = $threads: the echo client fails when nobody answers" \
        fails "$examples/echo_client" "$address" text

    start server "$examples/echo_server" -n 3
    ok "threads = $threads: three are echoed" "$examples/echo_client" "$address" one two three
    ok "threads = $threads: the echo server ends by itself after -n 3 datagrams" ended server

    start server "$examples/echo_server"
    ok "threads = $threads: an address that is taken is refused" \
        fails "$examples/echo_server" "$address"
    ok "threads = $threads: the echo server ends with status 0 at SIGINT" stop server INT
done

ok "what is no address is refused by the server" fails "$examples/echo_server" nonsense
ok "what is no address is refused by the client" fails "$examples/echo_client" nonsense text
