#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# The chat of the examples: what one client says reaches the others, and a slow one keeps no other waiting.

source "$(dirname "$0")/shell.sh"
examples=$build/examples
declare -A input=()

# join NAME: a client whose lines are said by `say NAME TEXT` and heard by `hears NAME LINE`; ${pid[NAME]} is its process.
join() {
    local in out
    mkfifo "$tmp/$1.in" "$tmp/$1.out"
    (
        for in in "${input[@]}"; do exec {in}>&-; done # or the others' inputs would not end
        exec "$examples/chat_client" "$path" <"$tmp/$1.in" >"$tmp/$1.out"
    ) &
    pid[$1]=$!
    exec {in}>"$tmp/$1.in" {out}<"$tmp/$1.out"
    input[$1]=$in
    output[$1]=$out
    rm "$tmp/$1.in" "$tmp/$1.out"
    hears "$1" "$(name "$1") enters"
}
say() {
    printf '%s\n' "$2" >&"${input[$1]}"
}
hears() {
    local line
    read -r -t 60 -u "${output[$1]}" line
    equal "$line" "$2"
}
name() {
    echo "$EUID.${pid[$1]}"
}
leave() {
    local in=${input[$1]}
    exec {in}>&-
    ended "$1"
}

talks() {
    say ann 'hello, world' && hears bob "$(name ann) hello, world" && hears cat "$(name ann) hello, world" &&
        say bob $'\xc3\xa4' && hears ann "$(name bob) "$'\xc3\xa4' && hears cat "$(name bob) "$'\xc3\xa4'
}

# Nothing of it is read by cat, which is stopped; ann reads each line, and hears that cat has gone.
passes_by() {
    local i line text
    printf -v text '%01000d' 0
    kill -STOP "${pid[cat]}"
    for ((i = 0; i < 10000; i++)); do
        say bob "$text"
        read -r -t 60 -u "${output[ann]}" line || return 1
        if [[ $line == "$(name cat) leaves" ]]; then
            hears ann "$(name bob) $text"
            return
        fi
    done
    echo "cat does not leave"
    return 1
}

for threads in 1 2 0; do
    claim="threads = $threads:"
    use_threads $threads
    sed "s/^\[runtime\]/&\nthreads = $threads/" "$root/examples/http_server.ini" >"$tmp/chat.ini"
    export TRALE_CONFIG=$tmp/chat.ini
    path=$tmp/socket.$threads
    start server "$examples/chat_server" "$path"
    ok "$claim a client learns its name" join ann
    join bob
    ok "$claim a client hears who enters" hears ann "$(name bob) enters"
    join cat
    ok "$claim and so do all" eval 'hears ann "$(name cat) enters" && hears bob "$(name cat) enters"'
    ok "$claim what one says, the others hear, with the name that the kernel knows" talks
    ok "$claim a path that is taken is refused" fails "$examples/chat_server" "$path"
    ok "$claim a client that does not read is closed, and the others go on" passes_by
    ok "$claim a client ends with its input" leave bob
    say ann "$(printf '%02000d' 0)"
    ok "$claim a line that is too long ends its client" fails ended ann
    ok "$claim the server ends with status 0 at SIGTERM" stop server
    stop cat KILL || true
    unset 'input[ann]' 'input[bob]' 'input[cat]'
done
ok "a client needs a server" fails "$examples/chat_client" "$tmp/nothing"
