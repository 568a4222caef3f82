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

certify() {
    printf 'cn = localhost\ndns_name = localhost\nexpiration_days = 36500\ntls_www_server\nsigning_key\nca\n' >"$tmp/template"
    certtool --generate-privkey --key-type ecdsa --curve secp256r1 --outfile "$tmp/key" &&
        certtool --generate-self-signed --load-privkey "$tmp/key" --template "$tmp/template" --outfile "$tmp/certificate"
}
certify >"$tmp/printed" 2>&1 || { cat "$tmp/printed"; exit 1; }

mkdir -p "$www/sub" "$tmp/outside" "$tmp/got"
: >"$www/zero"
printf x >"$www/one"
head -c 10000000 /dev/urandom >"$www/ten"
echo below >"$www/sub/index.html"
echo 'a b' >"$www/a b"
echo secret >"$tmp/outside/secret"
ln -s "$tmp/outside/secret" "$www/absolute"
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
    whole 1 "$@" && (($(moved) > 1))
}

# ends SAID: the server ends in order and has said that.
ends() {
    stop server || return 1
    [[ $said == $1 ]] || { echo "$said"; return 1; }
}

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
    ok "$claim the server ends in order" ends 'connections *, answered *, cut 0, retries 0, *'

    serve -a -O
    ok "$claim addresses are validated by a retry" whole 5 -c 5
    ok "$claim and the server ends" ends 'connections 5, answered 15, cut 0, retries 5, *'
done
