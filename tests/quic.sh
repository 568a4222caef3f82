#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# The HTTP/3 server and client of the examples against each other, in each thread layout. curl 7.88 of Debian 12 has no
# HTTP/3.

source "$(dirname "$0")/shell.sh"
server=$build/examples/quic_server
client=$build/examples/quic_client
[[ -x $server && -x $client ]] || skip "built without ngtcp2, nghttp3 and GnuTLS"
command -v certtool >/dev/null || skip "certtool is not installed"
www=$tmp/www

# Ed25519: signatures of one size, so that a simulated run with another key is the same run.
certify() {
    printf 'cn = localhost\ndns_name = localhost\nexpiration_days = 36500\nserial = 1\ntls_www_server\nsigning_key\nca\n' >"$tmp/template"
    certtool --generate-privkey --key-type ed25519 --outfile "$tmp/key" &&
        certtool --generate-self-signed --load-privkey "$tmp/key" --template "$tmp/template" --outfile "$tmp/certificate"
}
certify >"$tmp/printed" 2>&1 || { cat "$tmp/printed"; exit 1; }

mkdir -p "$www/sub" "$tmp/outside" "$tmp/got"
: >"$www/zero"
printf x >"$www/one"
head -c 10000000 /dev/urandom >"$www/ten"
head -c 300000 /dev/urandom >"$www/mid"
echo below >"$www/sub/index.html"
echo 'a b' >"$www/a b"
echo secret >"$tmp/outside/secret"
ln -s "$tmp/outside/secret" "$www/absolute"
truncate -s 4G "$www/sparse"
head -c 32 /dev/urandom >"$tmp/secret"
all=(/ten /zero /one)

# configure KEY=VALUE...: writes $tmp/quic.ini, from that of the examples.
configure() {
    sed "/^\[application:/q; s/^\[runtime\]/&\nthreads = $threads/" "$root/examples/quic/quic.ini" >"$tmp/new.ini"
    printf '%s\n' "$@" "listen=${at:-127.0.0.1:0}" "certificate=$tmp/certificate" "key=$tmp/key" "folder=$www" \
        log=notice | awk -F = '!seen[$1]++' >>"$tmp/new.ini"
    mv "$tmp/new.ini" "$tmp/quic.ini"
}

# serve KEY=VALUE...: starts the server.
serve() {
    configure "$@"
    start server bash -c 'exec "$@" 2>&1' - "$server" -c "$tmp/quic.ini"
}

# get OPTION... -- PATH...: the client.
get() {
    local options=()
    while [[ $1 != -- ]]; do options+=("$1"); shift; done
    "$client" -t "$tmp/certificate" "${options[@]}" "$address" "${@:2}"
}

# whole N OPTION...: all files come, byte by byte, N times.
whole() {
    local n=$1 path wanted i
    get "${@:2}" -- "${all[@]}" >"$tmp/sums" || return 1
    for ((i = 0; i < n; i++)); do
        for path in "${all[@]}"; do
            wanted=$(sha256sum <"$www$path")
            echo "${wanted%  -}  $path"
        done
    done | sort >"$tmp/wanted"
    grep -v '^moved' "$tmp/sums" | sort | diff - "$tmp/wanted"
}

# moved: how often the client has moved.
moved() {
    sed -n 's/^moved \([0-9]*\),.*/\1/p' "$tmp/sums"
}

into_files() {
    rm -f "$tmp/got"/*
    get -o "$tmp/got" -- "${all[@]}" /sub/ /a%20b || return 1
    local path
    for path in "${all[@]}"; do cmp "$tmp/got$path" "$www$path" || return 1; done
    equal "$(cat "$tmp/got/sub_")$(cat "$tmp/got/a%20b")" 'belowa b'
}

# status PATH: of an answer that is no file.
status() {
    get -- "$1" 2>&1 | sed -n 's/.*: status \([0-9]*\),.*/\1/p'
}

confined() {
    local path
    for path in /nothing /absolute /../outside/secret /%2e%2e/outside/secret /sub /sub/../../outside/secret; do
        equal "$path $(status "$path")" "$path 404" || return 1
    done
    equal "$(status /%zz)" 400
}

moves() {
    whole 1 "$@" && (($(moved) > 0))
}

# ends SAID: the server ends in order and has said that.
ends() {
    stop server || return 1
    [[ $said == $1 ]] || { echo "$said"; return 1; }
}

# begin PATH OPTION...: a client that downloads this; it has begun to come. Sets $download to the process.
begin() {
    rm -f "$tmp/got$1"
    "$client" -t "$tmp/certificate" -o "$tmp/got" "${@:2}" "$address" "$1" >"$tmp/client" 2>&1 &
    download=$!
    await test -s "$tmp/got$1"
}

# A file that is cut off while it is read: the other one of the connection comes.
cut_off() {
    truncate -s 1G "$www/shrinks"
    rm -f "$tmp"/got/{shrinks,ten}
    "$client" -t "$tmp/certificate" -o "$tmp/got" "$address" /shrinks /ten >"$tmp/client" 2>&1 &
    download=$!
    await test -s "$tmp/got/shrinks" && kill -STOP "$download" && truncate -s 0 "$www/shrinks" && kill -CONT "$download"
    fails wait "$download" && cmp "$tmp/got/ten" "$www/ten" && whole 1
    local status=$?
    rm "$www/shrinks"
    return $status
}

# What is under way ends.
ends_in_order() {
    begin /ten && stop server && wait "$download" && cmp "$tmp/got/ten" "$www/ten" && [[ $said == *', cut 0, '* ]] || {
        echo "$said"
        cat "$tmp/client"
        return 1
    }
}

# But not what takes longer than `grace`.
ends_in_time() {
    begin /sparse && stop server || return 1
    ! wait "$download" && [[ $said == *', cut 1, '* ]]
}

# A server that has been killed resets the connections that it had.
resets() {
    begin /sparse || return 1
    kill -KILL "${pid[server]}"
    ended server
    at=$address serve "secret=$tmp/secret"
    wait "$download" && return 1
    grep -q 'ended by a reset' "$tmp/client" || { cat "$tmp/client"; return 1; }
    stop server && [[ $said == *', resets '[1-9]* ]]
}

# More connections are refused.
refuses() {
    begin /sparse || return 1
    get -- /one >"$tmp/refused" 2>&1 && return 1
    grep -q 'QUIC error 0x2' "$tmp/refused" || { cat "$tmp/refused"; return 1; }
    kill "$download"
    wait "$download"
    true
}

# The answer to version 0x0a0a0a0a, without what is random in it.
versions() {
    exec 9<>"/dev/udp/${address%:*}/${address##*:}"
    { printf '\xc0\x0a\x0a\x0a\x0a\x08abcdefgh\x04wxyz' && head -c 1181 /dev/zero; } | dd bs=1200 iflag=fullblock status=none >&9
    equal "$(timeout 30 dd bs=2000 count=1 status=none <&9 | od -An -tx1 -v | tr -d ' \n' | cut -c3-)" \
        "00000000""0477""78797a""08""6162636465666768""00000001"
    local status=$?
    exec 9<&-
    return "$status"
}

distrusts() {
    ! "$client" "$address" /one >"$tmp/printed" 2>&1 && ! get -n example.org -- /one >"$tmp/printed" 2>&1
}

attack() {
    python3 "$root/tests/quic_attack.py" "$@"
}

# told WORDS: waits for a line of the server with them.
told() {
    local line
    while read -r -t 60 -u "${output[server]}" line; do
        echo "$line"
        [[ $line != *"$1"* ]] || return 0
    done
    return 1
}

# A connection goes on after the server has taken another certificate; and broken settings change nothing.
reloads() {
    begin /sparse -i 600000 && kill -STOP "$download" || return 1
    cp "$tmp/key" "$tmp/old-key" && cp "$tmp/certificate" "$tmp/old" && certify &&
        cp "$tmp/key" "$tmp/new-key" || return 1
    kill -HUP "${pid[server]}"
    told 'the settings were read again' && whole 1 && ! get -t "$tmp/old" -- /one || return 1
    local n_bytes
    n_bytes=$(stat -c %s "$tmp/got/sparse")
    kill -CONT "$download"
    await has_more "$tmp/got/sparse" "$n_bytes" || return 1
    kill "$download"
    wait "$download"
    cp "$tmp/old-key" "$tmp/key"
    kill -HUP "${pid[server]}"
    told 'certificate = ' && told 'the settings stay as they were' && whole 1 || return 1
    mv "$tmp/new-key" "$tmp/key"
    configure connections=many idle=1d
    kill -HUP "${pid[server]}"
    told 'connections = many: ' && told 'idle = 1d: ' && told 'the settings stay as they were' && whole 1
}
has_more() {
    (($(stat -c %s "$1") > $2 + 10000000)) # more than buffers have
}

survives_noise() {
    attack noise "$address" && whole 1
}

# The rate allows two connections and four answers; then silence, but not for another address.
survives_a_flood() {
    attack flood "$address" 60 && told 'too many connections' && told 'too many packets of no connection' &&
        get -b 127.0.0.2:0 -- /one && stop server && [[ $said == *', retries 4, refused 0, ignored 54, '* ]] || {
        echo "$said"
        return 1
    }
}

# Who has proven the address is refused, once the rate is passed.
refuses_too_often() {
    get -- /one && get -- /one && fails get -- /one 2>"$tmp/refused" && grep -q 'QUIC error 0x2' "$tmp/refused" &&
        get -b 127.0.0.2:0 -- /one
}

counts_connections() {
    begin /sparse && fails get -- /one 2>"$tmp/refused" && grep -q 'QUIC error 0x2' "$tmp/refused" &&
        get -b 127.0.0.2:0 -- /one || return 1
    kill "$download"
    wait "$download"
    true
}

counts_requests() {
    get -- /one /one /zero >"$tmp/sums" 2>"$tmp/refused" && return 1
    grep -q 'status 429' "$tmp/refused" && (($(grep -c '  /one' "$tmp/sums") == 2))
}

# abuses KIND ENDS: how a client that abuses the server ends.
abuses() {
    timeout 60 "$build/tests/quic_abuser" "$1" "$tmp/certificate" "$address" >"$tmp/abuser" || return 1
    cat "$tmp/abuser"
    # shellcheck disable=SC2053
    [[ $(cat "$tmp/abuser") == $2 ]]
}

notifies() {
    manage "$tmp/notify"
    serve
    notified READY=1 || return 1
    kill -HUP "${pid[server]}"
    notified RELOADING=1,MONOTONIC_USEC=N READY=1 && stop server && notified STOPPING=1 && unmanage
}

# refused CLAIM SETTING MESSAGE: the server does not start.
refused() {
    configure "$2"
    ok "$1" grep -qF -- "$3" <("$server" -c "$tmp/quic.ini" 2>&1 && echo "it starts")
}

# One packet of twenty is lost: by netem, which reorders them too, or by nftables.
worsen() {
    tc qdisc add dev lo root netem delay 2ms loss 5% reorder 25% || nft '
        add table inet loss
        add chain inet loss input { type filter hook input priority 0; }
        add rule inet loss input meta l4proto udp numgen random mod 20 < 1 counter drop'
}

# In a network that loses packets, and takes small ones alone; see the end.
if [[ ${1:-} == lossy ]]; then
    threads=1
    use_threads 1
    [[ -z $(ip link show up) ]] || skip "this is no network of its own"
    ip link set lo up mtu 1280 && worsen >"$tmp/printed" 2>&1 || exit 78
    serve
    ok "with loss files come byte by byte" whole 2 -c 2
    ok "... and the server ends" stop server
    exit
fi

for threads in 1 2 0; do
    use_threads $threads
    claim="threads = $threads:"
    serve
    ok "$claim files come byte by byte" whole 1
    ok "$claim into files too" into_files
    ok "$claim no path leads out of the folder" confined
    ok "$claim many connections at once" whole 10 -c 10
    ok "$claim without the kernel's offloads" whole 1 -O
    ok "$claim a connection goes on from another port" moves -m 1000000
    ok "$claim and if its port has changed without a word" moves -r 1000000
    ok "$claim a version that is not known is answered by those that are" versions
    ok "$claim a server that is not trusted is not asked" distrusts
    ok "$claim the server ends in order" ends '*connections *, answered *, cut 0, retries 0, *'

    serve retry=always offloads=no
    ok "$claim addresses are validated by a retry" whole 5 -c 5
    ok "$claim and the server ends" ends '*connections 5, answered 15, cut 0, retries 5, *'

    serve grace=10min
    ok "$claim at SIGTERM, downloads that are under way come to their end" ends_in_order
    serve grace=1ms
    ok "$claim but those that take too long are cut" ends_in_time
    serve "secret=$tmp/secret"
    ok "$claim a server that is started again resets what it does not know" resets
    serve connections=1 grace=1ms
    ok "$claim connections beyond the limit are refused" refuses
    ok "$claim and it ends" stop server
    serve idle=10min grace=1ms
    ok "$claim noise does no harm" survives_noise
    ok "$claim a file that becomes shorter ends its own download alone" cut_off
    ok "$claim at SIGHUP the settings and the certificate are read again, as a whole or not at all" reloads
    ok "$claim and it ends" stop server
done

threads=1
use_threads 1
serve connection_interval=1h connection_burst=2 answer_interval=1h answer_burst=4
ok "a flood from one address has few answers, and others are served" survives_a_flood
# Its certificate makes the server's answer longer than it may be.
amplifies_little() {
    { cat "$tmp/template"; printf 'dns_name = a-name-that-makes-the-certificate-longer-%d.example\n' {1..100}; } >"$tmp/long-template"
    certtool --generate-self-signed --load-privkey "$tmp/key" --template "$tmp/long-template" --outfile "$tmp/long" &&
        serve "certificate=$tmp/long" && get -t "$tmp/long" -- /one &&
        attack relay "$address" "$client" -t "$tmp/long" /one && stop server
}
ok "before its address is proven, a client gets at most three times what it has sent" amplifies_little
serve retry=always connection_interval=1h connection_burst=2
ok "a client that begins too many connections is refused for a while" refuses_too_often
ok "... and the server ends" stop server
serve client_connections=1 grace=1ms
ok "connections of one client have a limit of their own" counts_connections
ok "... and the server ends" stop server
serve idle=3s
ok "streams that are reset do no harm" abuses reset 'streams 300 0x*, status 200, connection 0x100'
ok "fields that are too large cost their stream" abuses fields 'streams 1 0x107, status 200, connection 0x100'
ok "content that is not wanted costs nothing" abuses content 'streams 5 0x*, status 200, connection 0x100'
ok "a client that does not read loses its connection" abuses slow 'streams *, status no, connection 0x107'
ok "... and the server serves others" whole 1
ok "... and ends" stop server
serve request_interval=1h request_burst=2
ok "requests of one client have a limit" counts_requests
ok "... and the server ends" stop server
configure listen=192.0.2.1:9
start server python3 "$root/tests/quic_attack.py" give /bin/bash -c 'exec "$@" 2>&1' - "$server" -c "$tmp/quic.ini"
ok "the socket of a service manager is used" whole 1
ok "... and the server ends" stop server INT
ok "a service manager hears that the server is ready, reloads and ends" notifies
if command -v systemd-analyze >/dev/null; then
    ok "systemd understands the units" units examples/quic/quic
fi
refused "what is no address is refused" listen=localhost 'listen = localhost: not an address such as'
refused "memory that is too little is refused" memory=1M 'memory = 1M: 1000 connections of 100 requests need 409600000'
refused "a folder that is not there is refused" "folder=$tmp/nothing" "folder = $tmp/nothing: No such file"
refused "a key of another certificate is refused" "key=$tmp/old-key" "key = $tmp/old-key: "
refused "a secret that is too short is refused" "secret=$www/one" "secret = $www/one: no file with 32 bytes"
refused "an address that is not here is refused" listen=192.0.2.1:9 'listen = 192.0.2.1:9: Cannot assign requested address'
refused "a misspelt key is refused" conections=1 'did you mean'

# Both programs in a simulated network that loses a tenth of all packets, while the client's address changes.
simulated() {
    local path
    for path in /mid /zero /one; do echo "$(sha256sum <"$www$path" | cut -d ' ' -f 1)  $path"; done >"$tmp/wanted"
    printf 'from 0s loss * -> * 10%% keep\nfrom 0s reorder * -> * 10%% by 30ms keep\n' >"$tmp/scenario"
    at=10.0.0.2:443 configure retry=always idle=120s handshake=120s
    "$build/trale" simulate -c "$tmp/quic.ini" --seeds "${QUIC_SEEDS:-1..10}" --until all --scenario "$tmp/scenario" \
        --set latency=20ms --servers 2 -- \
        "$client" -i 120000 -t "$tmp/certificate" -s "$tmp/wanted" "$@" 10.0.0.2:443 /mid /zero /one -- "$server"
}
ok "simulated, while the client moves to another port" simulated -m 150000
ok "... and to another address" simulated -m 150000 -b 10.0.0.1:0 -b 10.0.0.9:0
fails_unlisted() {
    echo "$(sha256sum <"$www/one" | cut -d ' ' -f 1)  /zero" >"$tmp/sums"
    serve
    get -s "$tmp/sums" -- /zero && return 1
    stop server
}
ok "a checksum that is not the listed one is a failure" fails_unlisted

status=0
unshare -rn "$0" lossy >"$tmp/lossy" 2>&1 || status=$?
if ((status == 78)); then
    echo "# without netem and nftables: no network with loss"
else
    ok "in a network with loss" bash -c 'cat "$1"; exit "$2"' - "$tmp/lossy" "$status"
fi
