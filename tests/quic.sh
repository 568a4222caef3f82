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

# serve OPTION...: starts the server.
serve() {
    sed "s/^\[runtime\]/&\nthreads = $threads/" "$root/examples/quic.ini" >"$tmp/quic.ini"
    TRALE_CONFIG=$tmp/quic.ini start server "$server" "$@" "$tmp/certificate" "$tmp/key" "$www" "${at:-127.0.0.1:0}"
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

# begin PATH: a client that downloads this; it has begun to come. Sets $download to the process.
begin() {
    rm -f "$tmp/got$1"
    get -o "$tmp/got" -- "$1" >"$tmp/client" 2>&1 &
    download=$!
    await test -s "$tmp/got$1"
}

# What is under way ends.
ends_in_order() {
    begin /ten && stop server && wait "$download" && cmp "$tmp/got/ten" "$www/ten" && [[ $said == *', cut 0, '* ]]
}

# But not what takes longer than -g.
ends_in_time() {
    begin /sparse && stop server || return 1
    ! wait "$download" && [[ $said == *', cut 1, '* ]]
}

# A server that has been killed resets the connections that it had.
resets() {
    begin /sparse || return 1
    kill -KILL "${pid[server]}"
    ended server
    at=$address serve -s "$tmp/secret"
    wait "$download" && return 1
    grep -q 'ended by a reset' "$tmp/client" || { cat "$tmp/client"; return 1; }
    stop server && [[ $said == *', resets '[1-9]* ]]
}

# More than -c connections are refused.
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

# In a network that loses, reorders, and takes small packets alone; see the end.
if [[ ${1:-} == lossy ]]; then
    threads=1
    use_threads 1
    ip link set lo up && ip link set lo mtu 1280 && tc qdisc add dev lo root netem delay 2ms loss 5% reorder 25% || exit 78
    serve
    ok "with loss and reordering files come byte by byte" whole 2 -c 2
    ok "... and over addresses that change" moves -m 2000000
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
    ok "$claim the server ends in order" ends 'connections *, answered *, cut 0, retries 0, *'

    serve -a -O
    ok "$claim addresses are validated by a retry" whole 5 -c 5
    ok "$claim and the server ends" ends 'connections 5, answered 15, cut 0, retries 5, *'

    serve
    ok "$claim at SIGTERM, downloads that are under way come to their end" ends_in_order
    serve -g 1
    ok "$claim but those that take too long are cut" ends_in_time
    serve -s "$tmp/secret"
    ok "$claim a server that is started again resets what it does not know" resets
    serve -c 1 -g 1
    ok "$claim connections beyond -c are refused" refuses
    ok "$claim and it ends" stop server
done

# Both programs in a simulated network that loses a tenth of all packets, while the client's address changes.
simulated() {
    local path
    for path in /mid /zero /one; do echo "$(sha256sum <"$www$path" | cut -d ' ' -f 1)  $path"; done >"$tmp/wanted"
    printf 'from 0s loss * -> * 10%% keep\nfrom 0s reorder * -> * 10%% by 30ms keep\n' >"$tmp/scenario"
    "$build/trale" simulate --seeds 1..10 --scenario "$tmp/scenario" --set latency=20ms --servers 2 -- \
        "$client" -i 120000 -t "$tmp/certificate" -s "$tmp/wanted" "$@" 10.0.0.2:443 /mid /zero /one -- \
        "$server" -i 120000 -a "$tmp/certificate" "$tmp/key" "$www" 10.0.0.2:443
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

lossy() {
    local status=0
    unshare -rn "$0" lossy >"$tmp/lossy" 2>&1 || status=$?
    cat "$tmp/lossy"
    return "$status"
}
if unshare -rn tc qdisc add dev lo root netem loss 5% 2>/dev/null; then
    ok "in a network with loss" lossy
else
    echo "# without netem: no network with loss"
fi
