#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# The SNTP server of the examples beside chronyd: tests/bench/sntp.sh BUILD [ROUNDS [ANSWERS]]. Needs chrony, and two
# processors: the servers have the first, the client has the second.
#
# Both answer one client without a limit, and keep no account of clients. They run in turns. Figures are medians: the
# processor time of the server for an answer, answers a second, and the memory that is the server's alone at the end;
# the ratio is that of those of one round.
set -eu -o pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
build=$(cd "$1" && pwd)
rounds=${2:-5}
answers=${3:-500000}
tmp=$(mktemp -d)
pids=()
# Whatever fails, no server is left: in a second, or at once.
finish() {
    local i
    kill "${pids[@]}" 2>/dev/null || true
    for ((i = 0; i < 10; i++)); do kill -0 "${pids[@]}" 2>/dev/null && sleep 0.1; done
    kill -KILL "${pids[@]}" 2>/dev/null || true
    rm -rf "$tmp"
}
trap finish EXIT
trap 'exit 1' TERM INT HUP
chronyd=$(PATH=$PATH:/usr/sbin command -v chronyd)
cc -O2 -D_GNU_SOURCE -o "$tmp/client" "$root/tests/bench/sntp.c"

sed -e 's/^listen .*/listen = 127.0.0.1:0/' -e 's/^rate_interval .*/rate_interval = 0/' -e 's/^clients .*/clients = 1/' \
    -e 's/^log .*/log = notice/' -e 's/^\[runtime\]/&\nthreads = 0/' "$root/examples/sntp/sntp.ini" >"$tmp/sntp.ini"
mkfifo "$tmp/said"
TRALE_DRIVERS=$build/drivers taskset -c 0 "$build/examples/sntp_server" -c "$tmp/sntp.ini" 2>"$tmp/said" &
pids+=($!)
read -r _ _ address <"$tmp/said"
ports=("${address##*:}")

# chronyd takes no port of the kernel's choice: the one after trale's.
ports+=($((ports[0] + 1)))
printf '%s\n' "port ${ports[1]}" 'cmdport 0' 'bindaddress 127.0.0.1' 'local stratum 10' 'allow 127.0.0.0/8' noclientlog \
    "pidfile $tmp/pid" >"$tmp/chrony.conf"
taskset -c 0 "$chronyd" -x -d -u "$(id -un)" -f "$tmp/chrony.conf" >"$tmp/chrony.log" 2>&1 &
pids+=($!)
until taskset -c 1 "$tmp/client" "${ports[1]}" 1 1 >"$tmp/probe" 2>&1; do kill -0 "${pids[1]}" || exit 1; sleep 0.1; done

# cpu PID: nanoseconds of all threads.
cpu() {
    cat "/proc/$1"/task/*/schedstat | awk '{ n += $1 } END { printf "%.0f", n }'
}

# measure WINDOW SERVER: appends to the files SERVER.cpu and SERVER.rate.
measure() {
    local before after
    before=$(cpu "${pids[$2]}")
    taskset -c 1 "$tmp/client" "${ports[$2]}" "$1" "$answers" >"$tmp/found"
    after=$(cpu "${pids[$2]}")
    awk -v n="$answers" -v ns=$((after - before)) 'BEGIN { printf "%.0f\n", ns / n }' >>"$tmp/$2.cpu"
    awk '/^rate/ { print $2 }' "$tmp/found" >>"$tmp/$2.rate"
    ! grep -v 'lost 0' "$tmp/found" | grep lost
}

median() {
    sort -n "$1" | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}

printf '%-24s %14s %14s %8s\n' '' sntp_server chronyd ratio
for window in 1 64; do
    rm -f "$tmp"/[01].*
    for ((round = 0; round < rounds; round++)); do
        measure $window $((round % 2))
        measure $window $((1 - round % 2))
    done
    for what in cpu rate; do
        paste "$tmp/0.$what" "$tmp/1.$what" | awk '{ printf "%.3f\n", $1 / $2 }' >"$tmp/ratio"
        printf '%-24s %14s %14s %8s\n' "$window at once, $( [[ $what == cpu ]] && echo 'ns of CPU' || echo 'per second')" \
            "$(median "$tmp/0.$what")" "$(median "$tmp/1.$what")" "$(median "$tmp/ratio")"
    done
done
memory() {
    awk '/^Private/ { n += $2 } END { print n }' "/proc/$1/smaps_rollup"
}
printf '%-24s %14s %14s\n' 'private memory, KiB' "$(memory "${pids[0]}")" "$(memory "${pids[1]}")"
