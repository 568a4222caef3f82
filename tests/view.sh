#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# `trale view` makes of a file of events a capture that tshark reads, a trace whose fields protoc finds, a picture that
# is well-formed XML, and a table.

source "$(dirname "$0")/shell.sh"

trale=$build/trale
events=$tmp/events

# Three hosts: a task on the first sends a datagram that is received, and one that is lost; a third is an IPv6 one.
line() { printf '%s\t%s\t%016x\t1\t%s\t%s\t%s\t%s' "$1" "$2" "$1" "$3" "$4" "$5" "$6"; shift 6
         printf '\t%s' "$@"; echo; }
{
    line 1 0 - 0 - spawn id=1 task=client
    line 2 0 - 0 - spawn id=2 'task=server <&>'
    line 3 0 - 1 client poll type=- line=0
    line 4 0 10.0.0.1 1 client bind socket=1 address=10.0.0.1:40000
    line 5 0 10.0.0.1 1 client sent datagram=1 from=10.0.0.1:40000 to=10.0.0.2:53 size=3 hash=0123 payload=616263
    line 6 0 10.0.0.1 1 client polled type=trale_udp_recv line=12
    line 7 0 - 2 'server <&>' poll type=- line=0
    line 8 0 10.0.0.2 2 'server <&>' polled type=trale_udp_recv line=30
    line 9 1500000 - 0 - delivered datagram=1 socket=2
    line 10 1500000 - 0 - wake id=2
    line 11 1500000 10.0.0.2 2 'server <&>' poll type=trale_udp_recv line=30
    line 12 1500000 10.0.0.2 2 'server <&>' received datagram=1 socket=2 size=3
    line 13 1500000 10.0.0.2 2 'server <&>' sent datagram=2 from=10.0.0.2:53 to=10.0.0.1:40000 size=0 hash=1 payload=
    line 14 1500000 - 0 - lost datagram=2 reason=partition
    line 15 1500000 10.0.0.2 2 'server <&>' wake id=1
    line 16 2000000000 10.0.0.1 1 client poll type=trale_udp_recv line=12
    line 17 2000000000 10.0.0.1 1 client sent datagram=3 'from=[fd00::1]:7' 'to=[fd00::2]:8' size=1 hash=1 payload=ff
    line 18 2000000000 10.0.0.1 1 client end id=1 result=0
} >"$events"

# A connection, over which five bytes go.
segment() { # NUMBER TIME FROM TO FLAGS SEQUENCE ACKNOWLEDGED SIZE PAYLOAD
    line "$1" "$2" - 0 - segment "segment=$1" connection=1 "from=$3" "to=$4" "flags=$5" "sequence=$6" \
        "acknowledged=$7" window=212992 "size=$8" hash=0 "payload=$9"
}
near=10.0.0.1:40000 far=10.0.0.2:7
{
    segment 1 0 $near $far SYN 0 0 0 ''
    line 2 1000000 - 0 - segment-arrived segment=1
    segment 3 1000000 $far $near SYN+ACK 0 1 0 ''
    segment 4 2000000 $near $far ACK 1 1 0 ''
    segment 5 2000000 $near $far ACK 1 1 5 68656c6c6f
    line 6 2000000 - 0 - segment-lost segment=5 reason=loss
    segment 7 202000000 $near $far ACK 1 1 5 68656c6c6f
    segment 8 203000000 $far $near ACK 1 6 0 ''
    segment 9 204000000 $near $far FIN+ACK 6 1 0 ''
    segment 10 205000000 $far $near RST+ACK 1 7 0 ''
} >"$tmp/segments"

segments_are_read() {
    "$trale" view pcapng "$tmp/segments" >"$tmp/run.pcapng" || return 1
    equal "$(tshark -r "$tmp/run.pcapng" -o tcp.check_checksum:TRUE -o ip.check_checksum:TRUE -T fields \
        -e tcp.srcport -e tcp.flags -e tcp.seq -e tcp.ack -e tcp.len -e tcp.window_size -e tcp.checksum.status \
        -e frame.comment 2>/dev/null)" \
        "$(printf '%s\n' \
            $'40000\t0x0002\t0\t0\t0\t65535\t1\tsegment 1, delivered after 1.000000 ms' \
            $'7\t0x0012\t0\t1\t0\t65535\t1\tsegment 3' \
            $'40000\t0x0010\t1\t1\t0\t212992\t1\tsegment 4' \
            $'40000\t0x0010\t1\t1\t5\t212992\t1\tsegment 5, lost: loss' \
            $'40000\t0x0010\t1\t1\t5\t212992\t1\tsegment 7' \
            $'7\t0x0010\t1\t6\t0\t212992\t1\tsegment 8' \
            $'40000\t0x0011\t6\t1\t0\t212992\t1\tsegment 9' \
            $'7\t0x0014\t1\t7\t0\t212992\t1\tsegment 10')"
}

segments_are_counted() {
    "$trale" view traffic "$tmp/segments" >"$tmp/table" || return 1
    equal "$(sed 's/  */ /g' "$tmp/table")" "$(printf '%s\n' \
        'TCP segments arrived bytes lost' \
        '10.0.0.1:40000 5 1 10 1 by loss' \
        '10.0.0.2:7 3 0 0 -')"
}

capture_is_read() {
    "$trale" view pcapng "$events" >"$tmp/run.pcapng" || return 1
    equal "$(tshark -r "$tmp/run.pcapng" -o udp.check_checksum:TRUE -o ip.check_checksum:TRUE -T fields \
        -e frame.time_epoch -e ip.src -e ipv6.src -e udp.srcport -e ip.dst -e ipv6.dst -e udp.dstport -e udp.length \
        -e udp.checksum.status -e frame.comment 2>/dev/null)" \
        "$(printf '%s\n' \
            $'0.000000000\t10.0.0.1\t\t40000\t10.0.0.2\t\t53\t11\t1\tdatagram 1, delivered after 1.500000 ms' \
            $'0.001500000\t10.0.0.2\t\t53\t10.0.0.1\t\t40000\t8\t1\tdatagram 2, lost: partition' \
            $'2.000000000\t\tfd00::1\t7\t\tfd00::2\t8\t9\t1\tdatagram 3')"
}

capture_is_the_same() {
    "$trale" view pcapng "$events" >"$tmp/run.pcapng" || return 1
    equal "$(od -An -tx4 -N12 "$tmp/run.pcapng" | tr -d ' ')" 0a0d0d0a0000001c1a2b3c4d &&
        equal "$(grep -c 'lost: partition' "$tmp/run.pcapng")" 1
}

timeline_is_read() {
    "$trale" view perfetto "$events" >"$tmp/run.perfetto" || return 1
    protoc --decode_raw <"$tmp/run.perfetto" >"$tmp/fields" || return 1
    # Names of a host and a task; a wait of the server; both ends of the arrow of datagram 1 (field 47 and 48).
    grep -q '6: "10.0.0.2"' "$tmp/fields" && grep -q '5: "server <&>"' "$tmp/fields" &&
        grep -q '23: "trale_udp_recv line 30"' "$tmp/fields" &&
        equal "$(grep -c '47: 0x0000000000000004' "$tmp/fields")" 1 &&
        equal "$(grep -c '48: 0x0000000000000004' "$tmp/fields")" 1 &&
        equal "$(grep -c '47: 0x000000000000001f' "$tmp/fields")" 1 &&
        equal "$(grep -c '48: 0x000000000000001f' "$tmp/fields")" 1
}

timeline_is_there() {
    "$trale" view perfetto "$events" >"$tmp/run.perfetto" && grep -q 'trale_udp_recv line 30' "$tmp/run.perfetto"
}

picture_is_drawn() {
    "$trale" view svg "$events" >"$tmp/run.svg" || return 1
    python3 -c 'import sys, xml.dom.minidom as m; m.parse(sys.argv[1])' "$tmp/run.svg" || return 1
    equal "$(grep -c "class='datagram'" "$tmp/run.svg")" 1 && grep -q 'lost: partition' "$tmp/run.svg" &&
        grep -q 'server &lt;&amp;>' "$tmp/run.svg"
}

table_counts() {
    "$trale" view traffic "$events" >"$tmp/table" || return 1
    equal "$(sed 's/  */ /g' "$tmp/table")" "$(printf '%s\n' \
        'socket sent delivered received took lost' \
        '10.0.0.1:40000 1 1 1 0 -' \
        '10.0.0.2:53 1 0 0 1 1 by partition' \
        '[fd00::1]:7 1 0 0 0 -')"
}

if command -v tshark >/dev/null; then
    ok "the capture is read by tshark, with its times, addresses, checksums and comments" capture_is_read
    ok "segments of TCP are read by tshark, with flags, numbers and checksums" segments_are_read
fi
ok "the capture begins as pcapng does" capture_is_the_same
if command -v protoc >/dev/null; then
    ok "the timeline has hosts, tasks, waits and arrows" timeline_is_read
fi
ok "the timeline names what is awaited" timeline_is_there
ok "the picture is well-formed, and shows what was lost" picture_is_drawn
ok "the table counts what each socket has sent, and what was lost by what" table_counts
ok "segments are counted in a table of their own" segments_are_counted

: >"$tmp/empty"
for format in pcapng perfetto svg traffic; do
    ok "a run without events has a $format" "$trale" view "$format" "$tmp/empty"
done

# A run of `trale simulate` is shown.
simulated() {
    "$trale" simulate --seed 12 --events "$tmp/run" -- "$build/examples/reliable" -m 10 -p 500 10.0.0.1:1000 \
        10.0.0.2:1000 10.0.0.3:1000 && "$trale" view traffic "$tmp/run" && "$trale" view traffic "$tmp/run" |
        grep -qE '^10\.0\.0\.2:1000 +[0-9]+ +40 +40 +40 '
}
export TRALE_DRIVERS=$build/drivers
ok "a simulated run is shown" simulated
ok "a simulated run has a picture" "$trale" view svg "$tmp/run"

refused() { # MESSAGE ARGUMENT...: not 0, and the message on stderr
    local message=$1
    shift
    ! "$trale" view "$@" >"$tmp/out" 2>"$tmp/err" && grep -qF -- "$message" "$tmp/err"
}
ok "what is no format is refused" refused "'gif' is no format; there are pcapng, perfetto, svg and traffic" gif "$events"
ok "a file that is not there is refused" refused "$tmp/none: No such file or directory" svg "$tmp/none"
ok "a folder is refused" refused "$tmp: " svg "$tmp"
ok "a file without an argument is refused" refused 'usage: trale view FORMAT FILE' svg
printf '1\t0\t00\t1\t-\t0\t-\tspawn\nhello\n' >"$tmp/wrong"
ok "a line that is no event is refused with its number" refused "$tmp/wrong:2: 'hello' is no event" svg "$tmp/wrong"
printf '1\t0\t00\t1\t-\t0\t-\tspawn\n\0\n' >"$tmp/binary"
ok "a binary file is refused" refused "$tmp/binary: this is no file of events" svg "$tmp/binary"
head -c 700 "$events" >"$tmp/cut"
ok "a file that a crash has cut off is shown as far as it goes" "$trale" view traffic "$tmp/cut"
