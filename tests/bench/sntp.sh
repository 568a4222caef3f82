#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# The SNTP server of the examples beside chronyd: tests/bench/sntp.sh BUILD [ROUNDS [ANSWERS]]; see service.sh. Needs
# chrony. Both answer one client without a limit, and keep no account of clients.
source "$(dirname "$0")/service.sh"
answers=${3:-200000}
cc -O2 -D_GNU_SOURCE -o "$tmp/client" "$root/tests/bench/sntp.c"

sed -e 's/^listen .*/listen = 127.0.0.1:0/' -e 's/^rate_interval .*/rate_interval = 0/' -e 's/^clients .*/clients = 1/' \
    -e 's/^log .*/log = notice/' -e 's/^\[runtime\]/&\nthreads = 0/' "$root/examples/sntp/sntp.ini" >"$tmp/sntp.ini"
serve_ours sntp_server "$tmp/sntp.ini"
printf '%s\n' "port $next_port" 'cmdport 0' 'bindaddress 127.0.0.1' 'local stratum 10' 'allow 127.0.0.0/8' noclientlog \
    "pidfile $tmp/pid" >"$tmp/chrony.conf"
serve chronyd chronyd -x -d -u "$(id -un)" -f "$tmp/chrony.conf" 2>"$tmp/chrony.log"
declare -A ports=([sntp_server]=$port [chronyd]=$next_port)
until_ready "$tmp/client" "$next_port" 1 1

# ask WINDOW NAME
ask() {
    per "$answers" 'an answer' "$2" "$tmp/client" "${ports[$2]}" "$1" "$answers"
}
# footprint NAME
footprint() {
    echo "$(memory "$1") KiB"
}

heading sntp_server chronyd
compare 'one request at a time' ask 1
compare '64 requests at once' ask 64
compare memory footprint
