#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# The SNTP server of the examples: asked byte by byte in each thread layout, by its own client, by ntpdig and chronyd
# where they are installed, and in simulated networks that lose, repeat and reorder.

source "$(dirname "$0")/shell.sh"
export TRALE_DRIVERS=$build/drivers
server=$build/examples/sntp_server
client=$build/examples/sntp_client

# configure KEY=VALUE...: writes $tmp/sntp.ini, from that of the examples.
configure() {
    local setting script=(-e "s/^\[runtime\]/&\nthreads = $threads/" -e 's/^log .*/log = notice/'
        -e 's/^listen .*/listen = 127.0.0.1:0/' -e 's/^rate_interval .*/rate_interval = 0/' -e 's/^stratum .*/stratum = 2/'
        -e 's/^precision .*/precision = -24/' -e 's/^root_delay .*/root_delay = 1.5s/'
        -e 's/^root_dispersion .*/root_dispersion = 2500ms/' -e 's/^reference_id .*/reference_id = 192.0.2.1/')
    for setting; do script+=(-e "s/^${setting%%=*} .*/${setting%%=*} = ${setting#*=}/"); done
    sed "${script[@]}" "$root/examples/sntp/sntp.ini" >"$tmp/new.ini"
    mv "$tmp/new.ini" "$tmp/sntp.ini"
}

# serve KEY=VALUE...: starts the server.
serve() {
    configure "$@"
    start server bash -c 'exec "$@" 2>&1' - "$server" -c "$tmp/sntp.ini"
    port=${address##*:}
}

ask() {
    python3 "$root/tests/sntp_ask.py" "${2:-127.0.0.1}" "$port" "$1"
}

# Whether the server has taken all datagrams that have come.
has_taken_all() {
    awk -v port="$(printf ':%04X' "$port")" 'index($2, port) { n++; split($5, queue, ":"); full += queue[2] != "00000000" }
        END { exit n == 0 || full > 0 }' /proc/net/udp
}

limits() {
    ask limited && await has_taken_all && stop server && equal "$said" "<5>SIGTERM: ends
<5>answered 3, refused 1, limited 6, ignored 0, failed 0"
}

has_stratum() {
    [[ $(ask stratum) == "$1" ]]
}

reloads() {
    local line
    configure stratum=5 listen=127.0.0.1:0
    kill -HUP "${pid[server]}"
    await has_stratum 5 || return 1
    configure stratum=50 leap=insrt
    kill -HUP "${pid[server]}"
    while read -r -t 60 -u "${output[server]}" line && [[ $line != *"stay as they were"* ]]; do echo "$line"; done >"$tmp/lines"
    equal "$(sed 's,/[^ ]*/,,' "$tmp/lines")" "<5>the settings were read again
<3>trale: sntp.ini:33: [application:sntp] stratum = 50: out of range; allowed: 1 to 15
<3>trale: sntp.ini:41: [application:sntp] leap = insrt: not one of none, insert, delete or unsynchronized; did you mean insert?" &&
        has_stratum 5
}

outlives_its_reader() {
    local fd=${output[server]} status=0
    exec {fd}<&-
    configure stratum=5 listen=127.0.0.1:0
    kill -HUP "${pid[server]}" && await has_stratum 5 && kill -TERM "${pid[server]}" && wait "${pid[server]}" || status=1
    unset "pid[server]" "output[server]"
    return $status
}

# A service manager passes a socket as fd 3.
inherits() {
    configure listen=127.0.0.2:0
    start server python3 -c 'import os, socket, sys
socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
socket.bind(("127.0.0.1", 0))
os.dup2(socket.fileno(), 3)
os.set_inheritable(3, True)
os.dup2(1, 2)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1")
os.execv(sys.argv[1], sys.argv[1:])' "$server" -c "$tmp/sntp.ini"
    port=${address##*:}
    [[ $address == 127.0.0.1:* ]] && ask versions && stop server
}

notifies() {
    manage "$tmp/notify"
    serve
    notified READY=1 || return 1
    configure stratum=5 listen=127.0.0.1:0
    kill -HUP "${pid[server]}"
    notified RELOADING=1,MONOTONIC_USEC=N READY=1 && has_stratum 5 || return 1
    configure stratum=50
    kill -HUP "${pid[server]}"
    notified RELOADING=1,MONOTONIC_USEC=N READY=1 && stop server && notified STOPPING=1 && unmanage
}

# A manager that is gone, and a name that is none.
cannot_notify() {
    local name
    for name in "$tmp/nobody" tmp/relative @ "@$(printf 'x%.0s' {1..200})"; do
        NOTIFY_SOCKET=$name serve && ask versions && stop server INT && grep -qF "<4>NOTIFY_SOCKET=$name: " <<<"$said" || return 1
    done
}

# The driver early sends SIGHUP before the driver signal is there. The server reads its settings again when it serves.
keeps_a_hangup() {
    local line
    configure
    sed -i -e 's/^drivers = /&early, /' -e "s|^\[driver:signal\]|[driver:early]\npath = $build/tests/drivers/early.so\n\n&|" "$tmp/sntp.ini"
    start server bash -c 'exec "$@" 2>&1' - "$server" -c "$tmp/sntp.ini"
    read -r -t 60 -u "${output[server]}" line
    equal "$line" "<5>the settings were read again" && stop server
}

refuses_too_many() {
    configure
    if timeout 60 python3 -c 'import os, socket, sys
sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(40)]
for i in range(17):
    sockets[-1 - i].bind(("127.0.0.1", 0))
    os.dup2(sockets[-1 - i].fileno(), 3 + i)
    os.set_inheritable(3 + i, True)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="17")
os.execv(sys.argv[1], sys.argv[1:])' "$server" -c "$tmp/sntp.ini" 2>"$tmp/said"; then
        return 1
    fi
    grep -q "<3>the service manager passes more than 16 sockets" "$tmp/said"
}

for threads in 1 2 0; do
    claim="threads = $threads:"
    serve
    ok "$claim requests of version 1 to 4 have the answers that the settings make" ask versions
    ok "$claim another mode or version, and what is cut off, gets no answer" ask ignored
    ok "$claim extension fields are ignored" ask lengths
    ok "$claim many requests at once have an answer each" ask at_once
    ok "$claim noise does no harm (1)" ask noise
    ok "$claim noise does no harm (2)" ask versions
    ok "$claim the client finds this host's clock to be right" \
        env TRALE_CONFIG="$tmp/sntp.ini" "$client" -n 3 -p 10 -m 1000 "$address"
    ok "$claim at SIGHUP the settings are read again, as a whole or not at all" reloads
    ok "$claim at SIGINT the server ends with status 0" stop server INT

    serve listen=0.0.0.0:0
    ok "$claim the answer comes from the address that was asked" ask versions 127.0.0.2
    ok "$claim and the server ends" stop server
    serve rate_interval=1h rate_burst=3
    ok "$claim a client that asks too often is refused once, and then ignored" limits
    ok "$claim a socket of a service manager is used" inherits
    ok "$claim a SIGHUP that comes before the server is ready does not end it" keeps_a_hangup
    serve
    ok "$claim the server goes on when the reader of its messages has gone" outlives_its_reader
done

threads=1
ok "a service manager hears that the server is ready, reloads and ends" notifies
ok "one that does not listen is logged, and the server serves" cannot_notify
configure
if command -v systemd-analyze >/dev/null; then
    ok "systemd understands the units" units examples/sntp/sntp
fi
refused() {
    configure "$2"
    ok "$1" grep -qF -- "$3" <("$server" -c "$tmp/sntp.ini" 2>&1 && echo "it starts")
}
refused "what is no address is refused" 'listen=127.0.0.1:0, localhost:123' \
    'sntp.ini:27: [application:sntp] listen = 127.0.0.1:0, localhost:123: not addresses such as 192.0.2.1:123'
refused "a server without an address is refused" 'listen=,' 'listen = ,: no address'
refused "more addresses than there is room for are refused" "listen=$(printf '127.0.0.1:0 %.0s' {1..17})" 'more than 16 addresses'
ok "more sockets of a service manager than there is room for are refused" refuses_too_many
refused "a reference id of five letters is refused" reference_id=LOCAL 'neither 1 to 4 letters nor an IPv4 address'
refused "an address that is taken is refused" "listen=192.0.2.1:1" '192.0.2.1:1: Cannot assign requested address'

if [[ -d /proc/sys/net/ipv6 ]]; then
    configure 'listen=[::1]:0'
    start server bash -c 'exec "$@" 2>&1' - "$server" -c "$tmp/sntp.ini"
    port=${address##*:}
    ok "it serves IPv6" ask versions ::1
    ok "and ends" stop server
fi

# --- other programs -----------------------------------------------------------------------------------------------------

# ntpdig asks port 123 alone: in a network of its own.
ntpdig_agrees() {
    configure listen=127.0.0.1:123
    unshare -rn bash -c '
        trap "kill \$(jobs -p) 2>/dev/null" EXIT
        ip link set lo up || exit 1
        "$0" -c "$1" 2>"$2/heard" &
        until grep -q listening "$2/heard"; do kill -0 $! || exit 1; read -r -t 0.05 <>"$2/never"; done
        ntpdig -j -t 20 127.0.0.1
        status=$?
        kill $! && wait $! && exit $status' "$server" "$tmp/sntp.ini" "$tmp" >"$tmp/ntpdig" 2>&1
    local status=$?
    cat "$tmp/ntpdig"
    ((status == 0)) && grep -qE '"offset":-?0\.[0-9]+,.*"stratum":2' "$tmp/ntpdig"
}
chronyd_agrees() {
    local chronyd
    chronyd=$(PATH=$PATH:/usr/sbin command -v chronyd)
    serve root_delay=0 root_dispersion=10ms
    "$chronyd" -Q -x -U -t 30 -f /dev/null "pidfile $tmp/chronyd.pid" "server 127.0.0.1 port $port iburst maxsamples 1" >"$tmp/chronyd" 2>&1
    local status=$?
    cat "$tmp/chronyd"
    stop server && ((status == 0)) && grep -qE 'System clock wrong by -?0\.[0-9]+ seconds \(ignored\)' "$tmp/chronyd"
}
if command -v ntpdig >/dev/null && unshare -rn true 2>/dev/null; then
    ok "ntpdig agrees with the server" ntpdig_agrees
else
    echo "# without ntpdig, or networks of its own"
fi
if PATH=$PATH:/usr/sbin command -v chronyd >/dev/null; then
    ok "chronyd agrees with the server" chronyd_agrees
else
    echo "# without chronyd"
fi

# --- simulated networks -------------------------------------------------------------------------------------------------

configure 'listen=10.0.0.1:1123, [fd00::a00:1]:1123'
printf '%s\n' 'from 0s loss * -> * 20%' 'from 0s duplicate * -> * 20%' 'from 0s latency * -> * 40ms jitter 30ms' \
    'from 0s reorder * -> * 20% by 3s' >"$tmp/faults"
simulate() {
    "$build/trale" simulate -c "$tmp/sntp.ini" --servers 1 "${@:2}" -- "$server" -- "$client" -n 10 -m "$1" 10.0.0.1:1123 \
        -- "$client" -n 10 -m 1 '[fd00::a00:1]:1123'
}
ok "where one in five is lost, repeated and held back, both clients have all answers, and the right ones" \
    simulate 1 --seeds 1..20 --scenario "$tmp/faults"
ok "with faults of every kind but steps of the clock too, crashes among them" \
    simulate 1 --seeds 1..20 --set 'faults=loss duplicate reorder latency partition crash pause corrupt'
configure 'listen=10.0.0.1:1123, [fd00::a00:1]:1123' rate_interval=10s rate_burst=2
ok "and where the server refuses most of what they ask" simulate 1 --seeds 1..10 --scenario "$tmp/faults"
