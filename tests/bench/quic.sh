#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# The HTTP/3 server and client of the examples: processor time for a gigabyte over loopback, with and without the offloads
# of the kernel (GSO, GRO): tests/bench/quic.sh BUILD [ROUNDS]. Needs certtool (gnutls-bin).
#
# They run in turns; figures are seconds of processor time, of user and kernel together, medians.
set -eu -o pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
build=$(cd "$1" && pwd)
rounds=${2:-5}
tmp=$(mktemp -d)
server=
trap '[[ -z $server ]] || kill "$server"; rm -rf "$tmp"' EXIT
mkdir "$tmp/www"
truncate -s 1000000000 "$tmp/www/gigabyte"
printf 'cn = localhost\ndns_name = localhost\nexpiration_days = 365\ntls_www_server\nsigning_key\nca\n' >"$tmp/template"
certtool --generate-privkey --key-type ecdsa --curve secp256r1 --outfile "$tmp/key" 2>/dev/null
certtool --generate-self-signed --load-privkey "$tmp/key" --template "$tmp/template" --outfile "$tmp/certificate" 2>/dev/null
sed "s/^\[runtime\]/&\nthreads = 0/; s/^listen .*/listen = 127.0.0.1:0/; s,^certificate .*,certificate = $tmp/certificate,
    s,^key .*,key = $tmp/key,; s,^folder .*,folder = $tmp/www," "$root/examples/quic/quic.ini" >"$tmp/quic.ini"
export TRALE_CONFIG=$tmp/quic.ini TRALE_DRIVERS=$build/drivers TIMEFORMAT='%U %S %R'
mkfifo "$tmp/said"

# once [-O]: "server client seconds" of a download, with this option of the client.
once() {
    local offloads=yes timed address client
    (($# == 0)) || offloads=no
    sed "s/^offloads .*/offloads = $offloads/; s/^log .*/log = notice/" "$tmp/quic.ini" >"$tmp/server.ini"
    (time "$build/examples/quic_server" -c "$tmp/server.ini" 2>"$tmp/said") 2>"$tmp/server" &
    timed=$!
    exec 8<"$tmp/said"
    read -r _ _ address <&8
    server=$(pgrep -P "$timed" quic_server)
    client=$({ time "$build/examples/quic_client" "$@" -t "$tmp/certificate" "$address" /gigabyte >/dev/null; } 2>&1)
    kill -TERM "$server"
    wait "$timed"
    exec 8<&-
    server=
    echo "$(tail -n 1 "$tmp/server") $(tail -n 1 <<<"$client")" | awk '{ print $1 + $2, $4 + $5, $6 }'
}

for ((round = 0; round < rounds; round++)); do
    once >>"$tmp/offloads"
    once -O >>"$tmp/none"
done
for kind in offloads none; do
    python3 -c '
import statistics, sys
rows = zip(*[[float(n) for n in line.split()] for line in open(sys.argv[1])])
server, client, seconds = (statistics.median(row) for row in rows)
print(f"{sys.argv[2]}: server {server:.2f}, client {client:.2f} s of processor time for 1 GB, in {seconds:.2f} s")' \
        "$tmp/$kind" "$kind"
done
