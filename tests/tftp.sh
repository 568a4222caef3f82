#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# The TFTP server of the examples serves its client, curl and tftp-hpa, and clients that are slow, hostile or gone; and
# both run in a simulated world. TFTP_PARALLEL is how many clients share a bad network (default 12), and
# TFTP_BYTES the size of the file that each transfers there (default 6000).

source "$(dirname "$0")/shell.sh"
examples=$build/examples peer=$build/tests/tftp_peer client=$build/examples/tftp_client
srv=$tmp/srv

mkdir -p "$srv/sub" "$srv/other" "$tmp/outside"
head -c 300007 /dev/urandom >"$srv/large.bin"
head -c 2048 /dev/urandom >"$srv/even.bin"
head -c "${TFTP_BYTES:-6000}" /dev/urandom >"$srv/medium.bin"
printf 'one\ntwo\r\nthree\n' >"$srv/text"
: >"$srv/empty"
echo below >"$srv/sub/file"
echo new >"$srv/other/large.bin"
echo secret | tee "$tmp/outside/secret" "$srv/private" >/dev/null
chmod 600 "$srv/private"
ln -s "$tmp/outside/secret" "$srv/absolute"
ln -s ../outside/secret "$srv/relative"
ln -s sub/file "$srv/inside"
mkfifo "$srv/fifo"

# configure LINE...: writes trale.ini with these settings.
configure() {
    sed "/^\[application:/q; s/^\[runtime\]/&\nthreads = $threads/" "$root/examples/tftp/tftp_server.ini" >"$tmp/tftp.ini"
    printf '%s\n' "$@" 'address = 127.0.0.1:0' "folder = ${folder:-$srv}" 'rate = 0' 'sync = no' 'dally = 200ms' |
        awk '!seen[$1]++' >>"$tmp/tftp.ini"
}

# serve LINE...: starts the server. What it logs is in $tmp/log.
serve() {
    configure "$@"
    run "$examples/tftp_server"
}
run() {
    export TRALE_CONFIG=$tmp/tftp.ini TRALE_DRIVERS=$build/drivers
    start server bash -c 'exec "$@" 2> >(tee "$0" | sed -un "s/^<5>listening/&/p")' "$tmp/log" "$@"
    port=${address##*:}
}

logged() {
    grep -qF -- "$1" "$tmp/log"
}

# ours OPTION... -- COMMAND...: our client. curls: curl.
ours() {
    local options=()
    while [[ $1 != -- ]]; do options+=("$1") && shift; done
    timeout 100 "$client" "${options[@]}" "$address" "${@:2}"
}
curls() {
    timeout 100 curl -sS --path-as-is "$@"
}

both_ways() {
    local file
    for file in large.bin even.bin empty text; do
        rm -f "$tmp/got" "$srv/up"
        ours "$@" -- get "$file" "$tmp/got" put "$tmp/got" up check up "$srv/$file" || return 1
        cmp "$tmp/got" "$srv/$file" && cmp "$srv/up" "$srv/$file" && [[ ! -e $tmp/got.part ]] || return 1
    done
}

by_curl() {
    local file
    for file in large.bin even.bin empty; do
        rm -f "$srv/up"
        curls "$@" "tftp://$address/$file" -o "$tmp/got" && cmp "$tmp/got" "$srv/$file" || return 1
        curls "$@" -T "$srv/$file" "tftp://$address/up" && await cmp -s "$srv/up" "$srv/$file" || return 1
    done
}

by_hpa() {
    rm -f "$srv/up" "$tmp/got" "$tmp/ascii"
    printf '%s\n' "mode $1" "get large.bin $tmp/got" "put $srv/large.bin up" "get text $tmp/ascii" |
        timeout 100 tftp 127.0.0.1 "$port" || return 1
    cmp "$tmp/got" "$srv/large.bin" && await cmp -s "$srv/up" "$srv/large.bin" && cmp "$tmp/ascii" "$srv/text"
}

# refused CODE TEXT COMMAND...
refused() {
    local said status=0
    said=$(ours -- "${@:3}" 2>&1) || status=$?
    ((status == 1)) && [[ $said == *"error $1, $2"* ]] || { echo "$*: $status $said"; return 1; }
}

escapes() {
    local path
    for path in ../outside/secret sub/../../outside/secret /../outside/secret "$tmp/outside/secret" absolute relative \
        private fifo sub . / nothing/nothing text/ .tftp-1-1; do
        rm -f "$tmp/got"
        fails ours -- get "$path" "$tmp/got" || return 1
        [[ $path == private ]] || fails ours -- put "$srv/even.bin" "$path" || return 1
        [[ ! -e $tmp/got && ! -e $tmp/got.part ]] || return 1
    done
    equal "$(cat "$tmp/outside/secret" "$srv/private")" $'secret\nsecret' || return 1
    equal "$(find "$srv" "$tmp/outside" -name '.tftp*')" "" || return 1
    ours -- check inside "$srv/sub/file" check /text "$srv/text" check sub/../text "$srv/text"
}

noise() {
    local i
    for i in {1..200}; do
        head -c $((i * 3)) /dev/urandom >"/dev/udp/127.0.0.1/$port"
        printf '\0%b' "\\$((i % 8))$i" >"/dev/udp/127.0.0.1/$port"
    done
    ours -- check text "$srv/text"
}

mail_is_illegal() {
    exec 9<>"/dev/udp/127.0.0.1/$port"
    printf '\0\1text\0mail\0' >&9
    equal "$(timeout 60 dd bs=600 count=1 status=none <&9 | tr '\0' '.')" $'.\5.\4illegal TFTP operation.'
    local status=$?
    exec 9<&-
    return $status
}

# A writer that is gone: its file is never there, and the temporary one is removed.
gives_up() {
    exec 9<>"/dev/udp/127.0.0.1/$port"
    printf '\0\2half\0octet\0' >&9
    await logged 'write half: ' && [[ ! -e $srv/half ]] && equal "$(find "$srv" -name '.tftp*')" ""
    local status=$?
    exec 9<&-
    return $status
}

permissions() {
    rm -f "$srv/there" "$srv/new"
    echo there | tee "$srv/there" >"$srv/public"
    chmod 666 "$srv/public"
    case $1 in
    none) refused 2 'access violation' put "$srv/text" public || return 1 ;;
    *) ours -- put "$srv/text" public && cmp "$srv/public" "$srv/text" && equal "$(stat -c %a "$srv/public")" 666 || return 1 ;;
    esac
    case $1 in
    create | all) ours -- put "$srv/text" new && cmp "$srv/new" "$srv/text" && equal "$(stat -c %a "$srv/new")" 644 || return 1 ;;
    *) refused 2 'access violation' put "$srv/text" new && [[ ! -e $srv/new ]] || return 1 ;;
    esac
    case $1 in
    all) ours -- put "$srv/text" there && cmp "$srv/there" "$srv/text" || return 1 ;;
    *) refused 2 'access violation' put "$srv/text" there && equal "$(cat "$srv/there")" there || return 1 ;;
    esac
}

too_large() {
    refused 3 'disk full or file too large' put "$srv/large.bin" large &&
        refused 3 'file too large' -p put "$srv/large.bin" large && [[ ! -e $srv/large ]]
}

# One that holds its transfer keeps others of its address away until it is given up.
one_at_a_time() {
    rm -f "$tmp/held"
    "$peer" hold "$port" text >"$tmp/held" &
    local holder=$!
    await test -s "$tmp/held" || return 1
    fails ours -n 1 -- get text "$tmp/got" || return 1
    ours -- check text "$srv/text"
    local status=$?
    kill "$holder"
    wait "$holder" 2>/dev/null
    return $status
}

stops() {
    rm -f "$tmp/held"
    "$peer" hold "$port" text >"$tmp/held" &
    local holder=$!
    await test -s "$tmp/held" && stop server && wait "$holder" && equal "$(tail -n 1 "$tmp/held")" "error 0 server stops"
}

# Requests that arrive together with the signal: transfers whose files are being opened by then are ended as well.
stops_what_begins() {
    rm -f "$tmp/asked"
    kill -STOP "${pid[server]}"
    "$peer" crowd "$port" large.bin >"$tmp/asked" &
    local crowd=$! status=0
    await test -s "$tmp/asked" || return 1
    kill -CONT "${pid[server]}"
    kill -TERM "${pid[server]}"
    ended server && fails logged 'timed out' || status=1
    kill "$crowd"
    wait "$crowd" 2>/dev/null
    return $status
}

reloads() {
    folder=$srv/other configure
    kill -HUP "${pid[server]}"
    await logged 'settings were read again' && ours -- check large.bin "$srv/other/large.bin" || return 1
    echo 'transfers = many' >>"$tmp/tftp.ini"
    kill -HUP "${pid[server]}"
    await logged 'settings stay as they were' && logged 'many' && ours -- check large.bin "$srv/other/large.bin"
}

# The driver early sends SIGHUP before the driver signal is there. The server reads its settings again when it serves.
notifies() {
    manage "@trale-$$-$RANDOM"
    configure
    sed -e 's/^drivers = /&early, /' -e "s|^\[driver:signal\]|[driver:early]\npath = $build/tests/drivers/early.so\n\n&|" \
        "$tmp/tftp.ini" >"$tmp/early.ini"
    run env TRALE_CONFIG="$tmp/early.ini" "$examples/tftp_server"
    notified READY=1 RELOADING=1,MONOTONIC_USEC=N READY=1 && ours -- check text "$srv/text" && stop server && notified STOPPING=1 &&
        unmanage
}

keeps_to_its_server() {
    start impostor "$peer" impostor
    head -c 512 /dev/zero | tr '\0' a >"$tmp/wanted"
    printf right >>"$tmp/wanted"
    ours -p -t 2 -- check file "$tmp/wanted" && ended impostor &&
        equal "$said" "the server gets 13 bytes, then 4 2"
}

# A quarter of the clients each: ours that reads with a window, ours that writes, ours without options, and curl.
in_a_bad_network() {
    local n=${TFTP_PARALLEL:-12} i pids=() status=0
    for ((i = 0; i < n; i++)); do
        case $((i % 4)) in
        0) lossy timeout 300 "$client" "$address" check medium.bin "$srv/medium.bin" ;;
        1) lossy timeout 300 "$client" -b 512 -w 4 -d 3 "$address" put "$srv/medium.bin" "up$i" check "up$i" "$srv/medium.bin" ;;
        2) lossy timeout 300 "$client" -p "$address" check medium.bin "$srv/medium.bin" ;;
        3) lossy timeout 300 curl -sS "tftp://$address/medium.bin" -o "$tmp/lossy$i" ;;
        esac >"$tmp/client$i" 2>&1 &
        pids+=($!)
    done
    for ((i = 0; i < n; i++)); do
        wait "${pids[i]}" || { status=1; echo "client $i: $(cat "$tmp/client$i")"; }
        case $((i % 4)) in
        1) cmp "$srv/up$i" "$srv/medium.bin" || status=1 ;;
        3) cmp "$tmp/lossy$i" "$srv/medium.bin" || status=1 ;;
        esac
    done
    return $status
}
lossy() {
    LD_PRELOAD=$build/tests/tftp_lossy.so LOSSY_PERCENT=2 "$@"
}

# What a get would put a file in the place of is left as it is; and what is sent is not cut off.
refuses() {
    local long
    printf -v long "%0512d" 0
    rm -f "$tmp/pipe"
    mkfifo "$tmp/pipe" && fails ours -- get text "$tmp/pipe" && [[ -p $tmp/pipe && ! -e $tmp/pipe.part ]] || return 1
    fails ours -- put "$srv/text" "$long" && [[ -z $(find "$srv" -name '000*') ]]
}

# Its reader is gone as soon as it listens.
goes_on_without_a_reader() {
    rm -f "$tmp/port"
    "$examples/tftp_server" 2> >(sed -un '/listening/{s/.*://p; q}' >"$tmp/port") &
    pid[server]=$!
    await test -s "$tmp/port" && address=127.0.0.1:$(cat "$tmp/port") && ours -- check text "$srv/text" check text "$srv/text" &&
        kill -TERM "${pid[server]}" && wait "${pid[server]}"
    local status=$?
    unset "pid[server]"
    return $status
}

for threads in 1 2 0; do
    use_threads $threads
    claim="threads = $threads:"
    serve 'writes = all' 'timeout = 300ms' 'tries = 3'
    ok "$claim files come and go as they are" both_ways
    ok "$claim ... without options" both_ways -p
    ok "$claim ... in small blocks and large windows" both_ways -b 100 -w 64
    ok "$claim ... in large blocks" both_ways -b 65464
    ok "$claim ... as text" both_ways -a
    ok "$claim a client keeps to the server that has answered first" keeps_to_its_server
    address=127.0.0.1:$port
    if command -v curl >/dev/null; then
        ok "$claim curl reads and writes" by_curl
        ok "$claim ... with a large block" by_curl --tftp-blksize 9000
        ok "$claim ... without options" by_curl --tftp-no-options
    fi
    if command -v tftp >/dev/null; then
        ok "$claim tftp-hpa reads and writes" by_hpa octet
        ok "$claim ... as text" by_hpa netascii
    fi
    ok "$claim a file that is not there is an ERROR" refused 1 'file not found' get nothing "$tmp/got"
    ok "$claim no path leads out of the folder, or to what not all users may read" escapes
    ok "$claim a stranger does not disturb a transfer" "$peer" strangers "$port" large.bin "$srv/large.bin"
    ok "$claim noise does no harm" noise
    ok "$claim the client refuses what it cannot do" refuses
    ok "$claim a mode that is not known is an ERROR" mail_is_illegal
    ok "$claim a writer that is gone leaves nothing" gives_up
    ok "$claim the server reads its settings again at SIGHUP, all or nothing" reloads
    ok "$claim the server ends with status 0 at SIGTERM" stop server

    serve 'grace = 100ms'
    ok "$claim by default nothing is written" permissions none
    ok "$claim at SIGTERM what lasts longer than the grace gets an ERROR" stops

    for _ in 1 2; do
        serve 'grace = 0' 'timeout = 20s' 'tries = 2' 'client_transfers = 100'
        ok "$claim ... and what only begins then, too" stops_what_begins
    done
done

threads=1
use_threads 1
for writes in public create all; do
    serve "writes = $writes"
    ok "writes = $writes" permissions $writes
    ok "... and the server ends" stop server
done
serve 'writes = create' 'write_max = 100K'
ok "a file that is too large is refused, and not left" too_large
ok "... and the server ends" stop server
serve 'client_transfers = 1' 'tries = 2'
ok "requests beyond the limit of an address wait" one_at_a_time
ok "... and the server ends" stop server INT
serve 'rate = 1' 'burst = 1'
ok "a client that asks too often is ignored for a while" ours -- check text "$srv/text" check text "$srv/text"
ok "... which is logged" logged 'asks too often'
ok "... and the server ends" stop server
configure 'address = 192.0.2.1:9'
run "$peer" give "$examples/tftp_server"
ok "the socket of a service manager is used" ours -- check text "$srv/text"
ok "... and the server ends" stop server

if [[ ${TRALE_SANITIZE:-none} == none ]] && command -v curl >/dev/null; then
    configure 'writes = all' 'timeout = 100ms' 'tries = 20' 'client_transfers = 200' 'dally = 10s' 'grace = 100ms'
    run env LD_PRELOAD="$build/tests/tftp_lossy.so" LOSSY_PERCENT=2 "$examples/tftp_server"
    ok "files arrive whole, many at once, where 2 % of all datagrams are lost" in_a_bad_network
    ok "... and the server ends" stop server
fi

ok "a service manager hears that the server is ready, reloads and ends, and a SIGHUP that comes early waits" notifies
configure
ok "the server goes on when the reader of its messages has gone" goes_on_without_a_reader
configure 'transfers = 10' 'memory = 10K'
ok "memory that is too little is refused" fails "$examples/tftp_server"
folder=$tmp/nothing configure
ok "a folder that is not there is refused" fails "$examples/tftp_server"
if command -v systemd-analyze >/dev/null; then
    ok "systemd understands the units" units examples/tftp/tftp_server
fi
ok "a client without a command is refused" fails "$client" 127.0.0.1:69

# --- in a simulated world -----------------------------------------------------------------------------------------------

folder=$srv configure 'address = 10.0.0.2:69' 'writes = all' 'dally = 30s' 'grace = 60s' 'tries = 12'
simulated() {
    local files=(put "$srv/even.bin" sim check sim "$srv/even.bin" check large.bin "$srv/large.bin")
    : >"$srv/sim"
    TMPDIR=$tmp "$build/trale" simulate --seeds "${TFTP_SEEDS:-1..10}" --set "faults=loss duplicate reorder" --servers 2 -- \
        "$client" -n 12 -d 30 "$@" 10.0.0.2:69 "${files[@]}" -- "$examples/tftp_server" &&
        cmp "$srv/sim" "$srv/even.bin"
}
ok "every file arrives whole in many worlds" simulated
ok "... also without options" simulated -p
