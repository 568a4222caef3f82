#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# The TFTP server of the examples beside tftpd-hpa: tests/bench/tftp.sh BUILD [ROUNDS]; see service.sh. Needs tftpd-hpa,
# which knows no windows (RFC 7440): with one, the example is compared with tftpd-hpa without.
source "$(dirname "$0")/service.sh"
cc -O2 -D_GNU_SOURCE -o "$tmp/client" "$root/tests/bench/tftp.c"
mkdir "$tmp/files"
head -c 4000000 /dev/urandom >"$tmp/files/large"
head -c 2000 /dev/urandom >"$tmp/files/small"
chmod 644 "$tmp/files"/*

sed -e 's/^address .*/address = 127.0.0.1:0/' -e "s|^folder .*|folder = $tmp/files|" -e 's/^rate .*/rate = 0/' \
    -e 's/^client_transfers .*/client_transfers = 200/' -e 's/^log .*/log = notice/' \
    -e 's/^\[runtime\]/&\nthreads = 0/' "$root/examples/tftp/tftp_server.ini" >"$tmp/tftp.ini"
serve_ours tftp_server "$tmp/tftp.ini"
serve tftpd-hpa in.tftpd -L -a "127.0.0.1:$next_port" -s "$tmp/files"
declare -A ports=([tftp_server]=$port [tftpd-hpa]=$next_port)
until_ready "$tmp/client" "$next_port" "$tmp/files/small" 512 1 1 1

# transfer FILE N UNIT BLKSIZE WINDOWSIZE PARALLEL TRANSFERS NAME: N is how many units there are in all.
transfer() {
    local window=$5
    [[ $8 != tftpd-hpa ]] || window=1
    per "$2" "$3" "$8" "$tmp/client" "${ports[$8]}" "$tmp/files/$1" "$4" "$window" "$6" "$7"
}
# footprint PARALLEL NAME: the greatest that is seen.
footprint() {
    local client greatest=0 found
    "$tmp/client" "${ports[$2]}" "$tmp/files/large" 1428 1 "$1" $((2 * $1 + 6)) >"$tmp/probe" &
    client=$!
    while kill -0 "$client" 2>/dev/null; do
        found=$(memory "$2")
        greatest=$((found > greatest ? found : greatest))
    done
    wait "$client"
    echo "$greatest KiB"
}

heading tftp_server tftpd-hpa
for blksize in 512 1428 8192; do
    compare "blocks of $blksize bytes" transfer large 80 'a MB' $blksize 1 1 20
done
compare 'blocks of 1428 bytes, windows of 16 and of 1' transfer large 80 'a MB' 1428 16 1 20
for blksize in 512 1428 8192; do
    compare "blocks of $blksize bytes, 32 transfers at once" transfer large 256 'a MB' $blksize 1 32 64
done
compare 'files of 2,000 bytes' transfer small 1000 'a file' 1428 1 1 1000
compare 'memory with 1 transfer' footprint 1
compare 'memory with 32 transfers' footprint 32
