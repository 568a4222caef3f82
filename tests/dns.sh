#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# The DNS forwarder serves real clients, dig and dnsperf, over loopback, from the test's own name server.

source "$(dirname "$0")/shell.sh"
command -v dig >/dev/null || skip "dig (bind9-dnsutils) is not installed"
forwarder=$build/examples/dns_forwarder
upstream=$build/tests/dns_upstream

# with_signals N: the shipped trale.ini with that many threads, and the driver that the forwarder ends by.
with_signals() {
    use_threads "$1"
    sed -i 's/^drivers *= */&signal, /' "$tmp/trale.ini"
}

# ask NAME [OPTION...]: the answer to one try of dig. The forwarder itself tries several times, which is tested here.
ask() {
    dig @"${address%:*}" -p "${address##*:}" +tries=1 +timeout=30 +noall +comments +answer "$@"
}

answered() {
    local found
    found=$(ask "$@") && equal "$(awk '!/^;/ && NF { print $1, $4, $5 }' <<<"$found")" "$1 A 192.0.2.1" &&
        ! grep -i warning <<<"$found"
}

servfail() {
    ask "$@" | grep -q 'status: SERVFAIL'
}

# send_raw BYTES: one datagram, in printf's notation.
send_raw() {
    printf '%b' "$1" >/dev/udp/"${address%:*}"/"${address##*:}"
}

answers_by_the_hundred() {
    local i
    for i in {1..2000}; do echo "name$i.example. A"; done >"$tmp/names"
    dnsperf -s "${address%:*}" -p "${address##*:}" -d "$tmp/names" -n 1 -c 4 -q 50 -t 5 >"$tmp/dnsperf" 2>&1
    cat "$tmp/dnsperf"
    grep -q 'Queries completed: *2000 ' "$tmp/dnsperf" && grep -q 'NOERROR 2000 ' "$tmp/dnsperf"
}

# The upstream's name instead of its address, from a hosts file of the test's own.
serves_by_name() {
    start upstream "$upstream"
    printf '127.0.0.1 upstream.test\n' >"$tmp/hosts"
    sed "s|^path = resolve.so|&\nhosts = $tmp/hosts|; s/^\[runtime\]/&\nthreads = $1/; s/^drivers *= */&signal, /" "$root/examples/lookup.ini" >"$tmp/names.ini"
    printf "[driver:signal]\npath = signal.so\n" >>"$tmp/names.ini"
    TRALE_CONFIG=$tmp/names.ini start forwarder "$forwarder" "upstream.test:${address##*:}"
    ok "threads = $1: the upstream may be a name" answered www.example.
    ok "threads = $1: the forwarder ends with status 0" stop forwarder
    stop upstream
}

serves() {
    with_signals "$1"
    local threads="threads = $1"

    start upstream "$upstream" -l
    start forwarder "$forwarder" -t 20000 "$address"
    ok "$threads: a query is answered, and what was forged is not believed" answered www.example.
    ok "$threads: so is one with EDNS and a cookie" answered www.example. +edns=0 +cookie +bufsize=4096
    ok "$threads: and one of 16 labels" answered a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p.

    local header='\0022\0063\0001\0000\0000\0001\0000\0000\0000\0000\0000\0000'
    send_raw 'x'                                                                        # shorter than a header
    send_raw '\0022\0063\0001\0000\0000\0001\0000\0000\0000\0000\0000'                  # by one byte
    send_raw "$header"                                                                  # no question
    send_raw "$header"'\0003abc'                                                        # one that ends too early
    send_raw "$header"'\0000\0000\0001\0000'                                            # by one byte
    send_raw "$header"'\0300\0014\0000\0001\0000\0001'                                  # one that points to itself
    send_raw "$header"'\0077abc\0000\0000\0001\0000\0001'                               # one longer than the message
    send_raw '\0022\0063\0201\0000\0000\0001\0000\0000\0000\0000\0000\0000\0000\0000\0001\0000\0001' # a response
    send_raw '\0022\0063\0001\0000\0000\0000\0000\0000\0000\0000\0000\0000\0000\0000\0001\0000\0001' # no question
    send_raw '\0022\0063\0001\0000\0000\0002\0000\0000\0000\0000\0000\0000\0000\0000\0001\0000\0001' # two
    send_raw '\0022\0063\0001\0000\0001\0001\0000\0000\0000\0000\0000\0000\0000\0000\0001\0000\0001' # 257
    { printf '%b' "$header"'\0000\0000\0001\0000\0001'; head -c 5000 /dev/zero; } >"$tmp/long"
    cat "$tmp/long" >/dev/udp/"${address%:*}"/"${address##*:}" # too long; in one write
    ok "$threads: malformed queries do it no harm" answered after.example.
    ok "$threads: it ends with status 0" stop forwarder
    ok "$threads: it has counted" equal "$said" "queries 4, answered 4, failed 0, dropped 0, malformed 12"
    stop upstream
    ok "$threads: one query goes upstream for each that came" equal "$said" "queries 4"
}

for threads in 1 2 0; do
    serves $threads
    [[ ! -x $build/examples/cares ]] || serves_by_name $threads
done
with_signals 1

if command -v dnsperf >/dev/null; then
    start upstream "$upstream"
    start forwarder bash -c 'ulimit -n 256 && exec "$@"' - "$forwarder" "$address" # no socket may be left open
    ok "dnsperf gets an answer to each of 2000 queries, 50 at a time" answers_by_the_hundred
    stop forwarder
    stop upstream
fi

start upstream "$upstream" -k 3
start forwarder "$forwarder" -t 200 "$address"
ok "a query that is lost twice is answered at the third try" answered lost.example.
ok "and the next" answered again.example.
stop forwarder
ok "both count as answered" equal "$said" "queries 2, answered 2, failed 0, dropped 0, malformed 0"
stop upstream
ok "three tries each went upstream" equal "$said" "queries 6"

start upstream "$upstream" -k 0
silent=$address
start forwarder "$forwarder" -t 100 "$silent"
ok "an upstream that is silent is a SERVFAIL" servfail silent.example.
stop upstream
ok "three tries were made" equal "$said" "queries 3"
ok "an upstream that is not there is a SERVFAIL" servfail gone.example.
stop forwarder
ok "both count as failed" equal "$said" "queries 2, answered 0, failed 2, dropped 0, malformed 0"

start upstream "$upstream" -k 0 -v
start forwarder "$forwarder" -t 200 "$address"
ask leaving.example. >"$tmp/leaving" &
asking=$!
read -r -t 60 -u "${output[upstream]}" _ # the query is in flight
ok "SIGTERM lets the queries in flight end" stop forwarder
ok "and counts them" equal "$said" "queries 1, answered 0, failed 1, dropped 0, malformed 0"
wait "$asking"
ok "and their clients get SERVFAIL" grep -q 'status: SERVFAIL' "$tmp/leaving"
stop upstream

question='\0022\0063\0001\0000\0000\0001\0000\0000\0000\0000\0000\0000\0001a\0000\0000\0001\0000\0001'
start upstream "$upstream" -v
start forwarder "$forwarder" "$address"
send_raw "$question"
send_raw "$question"
read -r -t 60 -u "${output[upstream]}" _ _ _ one
read -r -t 60 -u "${output[upstream]}" _ _ _ two
ok "the ids that go upstream are not the client's" [ "$one$two" != 12331233 ]
stop forwarder
stop upstream

# The datagrams are in one socket's queue: when the last one is answered, the others were seen before.
start upstream "$upstream" -k 0 -v
start forwarder "$forwarder" -t 300 -m 1 "$address"
send_raw "$question"
read -r -t 60 -u "${output[upstream]}" _
send_raw "$question"
send_raw "$question"
ok "above the cap a query is dropped, and later ones are served" servfail later.example. +tries=10 +timeout=1
stop forwarder
ok "and counted" [ "$(sed -E 's/.*dropped ([0-9]+).*/\1/' <<<"$said")" -ge 2 ]
stop upstream

# Without the driver signal it serves as well.
use_threads 1
start upstream "$upstream"
start forwarder "$forwarder" "$address"
ok "without the driver signal a query is answered" answered plain.example.
ended_by() {
    local status=0
    stop forwarder || status=$?
    equal "$status" "$1"
}
ok "and SIGTERM ends it at once, as any program" ended_by 143
stop upstream
