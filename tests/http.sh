#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# The HTTP server of the examples serves curl, and clients that are slow, hostile or gone, in each thread layout.

source "$(dirname "$0")/shell.sh"
command -v curl >/dev/null || skip "curl is not installed"
server=$build/examples/http_server
www=$tmp/www

mkdir -p "$www/sub" "$tmp/outside"
echo hello >"$www/index.html"
echo below >"$www/sub/index.html"
echo 'a b' >"$www/a b.txt"
: >"$www/empty"
head -c 3000001 /dev/urandom >"$www/large.bin"
truncate -s 32M "$www/sparse"
echo secret >"$tmp/outside/secret"
ln -s "$tmp/outside/secret" "$www/absolute"
ln -s ../outside/secret "$www/relative"
ln -s /proc/self/root "$www/magic"
ln -s sub/index.html "$www/inside"
mkfifo "$www/fifo"

# serve OPTION...: starts the server.
serve() {
    sed "s/^\[runtime\]/&\nthreads = $threads/" "$root/examples/http_server.ini" >"$tmp/http.ini"
    TRALE_CONFIG=$tmp/http.ini start server "$server" "$@" "$www"
    url=http://$address
    n_sockets=$(sockets)
}

sockets() {
    find "/proc/${pid[server]}/fd" -lname 'socket:*' 2>/dev/null | wc -l
}

ask() {
    curl -sS --max-time 60 --path-as-is "$@"
}

# status PATH [OPTION...]: the status of the answer.
status() {
    ask -o "$tmp/body" -w '%{http_code}' "${@:2}" "$url$1"
}

# connect: opens fd 9 to the server. say BYTES: sends them, in printf's notation. hear: all that comes until the end,
# but for the dates and what all files have.
connect() {
    exec 9<>"/dev/tcp/${address%:*}/${address##*:}"
}
say() {
    # shellcheck disable=SC2059
    printf "$1" >&9
}
hear() {
    timeout 60 cat <&9 | sed '/^Date: /d; /^ETag: /d; /^Accept-Ranges: bytes/d' | tr -d '\r'
}

# An answer to which the connection stays open, or not: kept TYPE CONTENT, closed STATUS.
kept() {
    printf 'HTTP/1.1 200 OK\nContent-Length: %d\nContent-Type: %s\nConnection: %s\n\n%s\n' \
        $((${#2} + 1)) "$1; charset=utf-8" "${3:-keep-alive}" "$2"
}
closed() {
    printf 'HTTP/1.1 %s\nContent-Length: %d\nContent-Type: text/plain; charset=utf-8\n%sConnection: close\n\n%s\n' \
        "$1" $((${#1} + 1)) "${2:-}" "$1"
}

# one CLAIM BYTES ANSWER: a connection of its own.
one() {
    connect
    say "$2"
    ok "threads = $threads: $1" equal "$(hear)" "$3"
    exec 9<&-
}

whole() {
    ask "$url/$1" | cmp - "$www/$1"
}

# part RANGE FIRST COUNT [OPTION...]: whether the answer has these bytes alone.
part() {
    ask -r "$1" "${@:4}" -D "$tmp/head" "$url/large.bin" | cmp - <(tail -c "+$(($2 + 1))" "$www/large.bin" | head -c "$3") &&
        grep -q '^HTTP/1.1 206 ' "$tmp/head" &&
        grep -q "^Content-Range: bytes $2-$(($2 + $3 - 1))/3000001" "$tmp/head"
}

parts() {
    part 0-0 0 1 && part 1000-1999 1000 1000 && part 3000000- 3000000 1 && part -1500000 1500001 1500000 &&
        part 300000-2999999999 300000 2700001
}

has_no_such_part() {
    equal "$(status /large.bin -r 3000001- -D "$tmp/head")" 416 && grep -q '^Content-Range: bytes \*/3000001' "$tmp/head"
}

# A download that was broken off goes on, and begins anew when the file is another one.
goes_on() {
    local tag
    tag=$(ask -I "$url/large.bin" | tr -d '\r' | sed -n 's/^ETag: //p')
    head -c 1000000 "$www/large.bin" >"$tmp/download"
    ask -C - -o "$tmp/download" "$url/large.bin" && cmp "$tmp/download" "$www/large.bin" &&
        part 5- 5 2999996 -H "If-Range: $tag" || return 1
    equal "$(status /large.bin -r 5- -H 'If-Range: "other"')" 200 && cmp "$tmp/body" "$www/large.bin"
}

one_connection() {
    ask -v -o /dev/null "$url/" -o /dev/null "$url/sub/" -o /dev/null "$url/nothing" 2>&1 | grep -c 'Re-using existing'
}

is_headed() {
    ask -I "$url/large.bin" | tr -d '\r' | grep -qx 'Content-Length: 3000001'
}

escapes() {
    local path
    for path in /absolute /relative /magic/etc/passwd /../outside/secret /sub/../../outside/secret \
        /%2e%2e/outside/secret /..%2foutside/secret "//$tmp/outside/secret" /fifo /sub /nothing /index.html/ /sub/../nothing; do
        equal "$path $(status "$path")" "$path 404" || return 1
    done
    equal "$(status /inside)$(status /sub/../index.html)" 200200
}

all_at_once() {
    local i
    for i in {1..100}; do printf 'url = "%s/large.bin?%d"\noutput = "%s/part.%d"\n' "$url" "$i" "$tmp" "$i"; done >"$tmp/urls"
    ask -Z --parallel-immediate --parallel-max 100 -K "$tmp/urls" || return 1
    for i in {1..100}; do cmp "$tmp/part.$i" "$www/large.bin" || return 1; done
    rm "$tmp"/part.*
}

# A byte at a time, and in two parts, cut at every byte; the answer is the same.
request='GET /sub/ HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'
in_parts() {
    local bytes i
    printf -v bytes "$request"
    connect
    for ((i = 0; i < ${#bytes}; i++)); do printf '%s' "${bytes:i:1}" >&9; done
    equal "$(hear)" "$(kept text/html below close)" || return 1
    for ((i = 1; i < ${#bytes}; i++)); do
        connect
        printf '%s' "${bytes:0:i}" >&9
        printf '%s' "${bytes:i}" >&9
        equal "$(hear)" "$(kept text/html below close)" || return 1
    done
}

noise() {
    local i
    for i in {1..50}; do
        connect
        head -c 2000 /dev/urandom >&9 2>/dev/null
        exec 9<&-
    done
    equal "$(status /)" 200
}

has_clients() {
    (($(sockets) == n_sockets + $1))
}

# A client that asks for much and reads nothing is given up; what it has not read by then is lost.
gives_up() {
    connect
    say 'GET /sparse HTTP/1.1\r\nHost: a\r\n\r\n'
    await has_clients 1 && await has_clients 0 || return 1
    local n
    n=$(timeout 60 cat <&9 2>/dev/null | wc -c)
    exec 9<&-
    ((n < 33554432)) || { echo "read $n bytes"; return 1; }
}


# Two are served; the third, which the kernel has accepted, has its answer when one of them has gone.
takes_turns() {
    local third
    exec 7<>"/dev/tcp/${address%:*}/${address##*:}" 8<>"/dev/tcp/${address%:*}/${address##*:}"
    await has_clients 2 || return 1
    connect
    say 'GET / HTTP/1.0\r\n\r\n'
    hear >"$tmp/third" 7<&- 8<&- &
    third=$!
    exec 9<&-
    read -r -t 0.2 <>"$tmp/never"
    has_clients 2 && [[ ! -s $tmp/third ]] || return 1
    exec 7<&-
    wait "$third"
    exec 8<&-
    equal "$(cat "$tmp/third")" "$(kept text/html hello close)"
}

# What is under way ends, and an idle client does not keep the server.
ends_in_order() {
    local client
    rm -f "$tmp/last"
    exec 8<>"/dev/tcp/${address%:*}/${address##*:}"
    ask --limit-rate 16M -o "$tmp/last" "$url/sparse" 8<&- &
    client=$!
    await test -s "$tmp/last"
    stop server || return 1
    wait "$client" || return 1
    exec 8<&-
    echo "$said"
    cmp "$tmp/last" "$www/sparse" && equal "$said" 'answered 1, clients left 0'
}

# Clients that are idle, that have sent half of a head, and that do not take their answer keep it no longer than -g.
ends_in_time() {
    local begin=$SECONDS
    exec 7<>"/dev/tcp/${address%:*}/${address##*:}" 8<>"/dev/tcp/${address%:*}/${address##*:}"
    printf 'GET / HT' >&8
    connect
    say 'GET /sparse HTTP/1.1\r\nHost: a\r\n\r\n'
    await has_clients 3 || return 1
    stop server || return 1
    exec 7<&- 8<&- 9<&-
    ((SECONDS - begin < 30)) || { echo "it took $((SECONDS - begin)) seconds"; return 1; }
}

# A file that another process has a lease of (fcntl(2)) cannot be opened without waiting: the others are served.
passes_over_a_lease() {
    echo leased >"$www/leased"
    exec 8< <(exec python3 -c 'import fcntl, os, signal, sys
signal.signal(signal.SIGIO, signal.SIG_IGN)
fcntl.fcntl(os.open(sys.argv[1], os.O_RDWR), fcntl.F_SETLEASE, fcntl.F_WRLCK)
print("leased", flush=True)
signal.pause()' "$www/leased" 2>&1)
    local holder=$! line
    read -r -t 60 line <&8
    local result=0
    if [[ $line == leased ]]; then
        equal "$(status /leased)$(status /inside)" 503200 || result=1
    else
        echo "# no leases on this file system: $line"
    fi
    kill "$holder"
    exec 8<&-
    return $result
}

for threads in 1 2 0; do
    use_threads $threads
    claim="threads = $threads:"
    serve
    ok "$claim a file comes as it is" whole large.bin
    ok "$claim an empty one too" whole empty
    ok "$claim a folder is its index.html, and a name is decoded" \
        equal "$(ask "$url/sub/")$(ask "$url/a%20b.txt?query")" 'belowa b'
    ok "$claim a part comes alone" parts
    ok "$claim a part that the file does not have is refused" has_no_such_part
    ok "$claim a download that was broken off goes on" goes_on
    ok "$claim requests share a connection" equal "$(one_connection)" 2
    ok "$claim HEAD is GET without the content" is_headed
    ok "$claim no path leads out of the folder" escapes
    ok "$claim a hundred clients are served at once" all_at_once
    ok "$claim a request may come in any parts" in_parts
    ok "$claim noise does no harm" noise
    if command -v python3 >/dev/null; then
        ok "$claim a file that another process keeps is passed over" passes_over_a_lease
    fi
    one "requests may come before the answers" \
        '\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\nGET /sub/ HTTP/1.1\r\nHost: a\r\nContent-Length: 7\r\n\r\nGET / HGET / HTTP/1.0\r\n\r\n' \
        "$(kept text/html hello; kept text/html below; kept text/html hello close)"
    one "what is no request has its answer also behind a HEAD" 'HEAD / HTTP/1.1\r\nHost: a\r\n\r\nnonsense\r\n\r\n' \
        "$(kept text/html hello | head -n 5; closed '400 Bad Request')"
    one "what is no request ends the connection" 'nonsense\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n' "$(closed '400 Bad Request')"
    one "a method that is not allowed says which are" 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc' \
        "$(closed '405 Method Not Allowed' $'Allow: GET, HEAD\n')"
    one "content that is too long is refused before it comes" 'GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 65537\r\n\r\n' \
        "$(closed '413 Content Too Large')"
    one "another version is refused" 'GET / HTTP/2.0\r\nHost: a\r\n\r\n' "$(closed '505 HTTP Version Not Supported')"
    one "a coding is refused" 'GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n' \
        "$(closed '501 Not Implemented')"
    printf -v long '%09000d' 0
    one "a head that is too long is refused" "GET / HTTP/1.1\r\nA: $long" "$(closed '431 Request Header Fields Too Large')"
    one "a first line that is too long too" "GET /$long" "$(closed '414 URI Too Long')"
    ok "$claim the server ends with status 0 at SIGTERM" stop server

    serve -t 500 -k 60000
    one "half of a head is waited for no longer than -t" 'GET / HT' "$(closed '408 Request Timeout')"
    ok "$claim a client that does not read is given up" gives_up
    connect
    say 'GET / HT'
    exec 9<&-
    ok "$claim a client that has gone is forgotten" await has_clients 0
    ok "$claim it is served on" equal "$(status /)" 200
    ok "$claim the server ends with status 0 at SIGINT" stop server INT

    serve -k 200
    one "an idle client is closed after -k" 'GET / HTTP/1.1\r\nHost: a\r\n\r\n' "$(kept text/html hello)"
    ok "$claim and the server ends" stop server

    serve -c 2
    ok "$claim clients beyond -c wait until there is room" takes_turns
    ok "$claim and then it ends" stop server

    serve -g 60000 -t 60000
    ok "$claim at SIGTERM, answers that are under way come to their end" ends_in_order

    serve -g 300 -t 60000
    ok "$claim at SIGTERM, clients that are slow are waited for no longer than -g" ends_in_time
done

ok "a folder that is not there is refused" fails "$server" "$tmp/nothing"
ok "an option that is no number is refused" fails "$server" -c many "$www"
