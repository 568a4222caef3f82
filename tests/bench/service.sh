# SPDX-License-Identifier: MIT
#
# What the scripts share that compare a service of the examples with a well-known one: SCRIPT BUILD [ROUNDS]. Source it
# first. They need root, two processors and cgroups (version 2).
#
# The servers have the first processor, the clients the second one, both with a real-time priority where that is allowed
# (BENCH_PRIORITY, default 10), so that other programs disturb them less. The two servers are measured in turns. Processor time is that of all
# processes of a server, also of those that have ended: each server has a group of its own. Memory is the proportional
# set size (proc(5)) of its processes. Output is a table: medians, with the least and the greatest; the ratio is that of
# those of one round.

# shellcheck shell=bash disable=SC2034
set -eu -o pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
build=$(cd "$1" && pwd)
rounds=${2:-5}
umask 022
tmp=$(mktemp -d)
chmod 755 "$tmp"
export PATH=$PATH:/usr/sbin TRALE_DRIVERS=$build/drivers
priority=()
! chrt -f "${BENCH_PRIORITY:-10}" true 2>/dev/null || priority=(chrt -f "${BENCH_PRIORITY:-10}")

# Ends the servers: in order, or after two seconds at once.
finish() {
    local group i
    for group in "$tmp/groups/bench-$$-"*; do
        for ((i = 0; i < 40; i++)); do
            [[ -d $group ]] && ! rmdir "$group" 2>/dev/null || break
            xargs -r kill "$( ((i < 20)) && echo -TERM || echo -KILL)" <"$group/cgroup.procs" 2>/dev/null || true
            sleep 0.1
        done
    done
    umount "$tmp/groups"
    rm -rf "$tmp"
}
mkdir "$tmp/groups"
mount -t cgroup2 none "$tmp/groups"
trap finish EXIT
trap 'exit 1' TERM INT HUP

# on CORE COMMAND...
on() {
    taskset -c "$1" "${priority[@]}" "${@:2}"
}

# serve NAME COMMAND...: starts a server, in a group of that name.
serve() {
    mkdir "$tmp/groups/bench-$$-$1"
    (
        echo "$BASHPID" >"$tmp/groups/bench-$$-$1/cgroup.procs"
        exec taskset -c 0 "${priority[@]}" "${@:2}"
    ) &
}

# serve_ours PROGRAM FILE ARGUMENT...: a service of the examples, with this trale.ini. It says what it is listening on.
# Sets `port`, and `next_port`, for a server that takes no port of the kernel's choice.
serve_ours() {
    local said
    mkfifo "$tmp/said"
    exec 8<>"$tmp/said"
    TRALE_CONFIG=$2 serve "$1" "$build/examples/$1" "${@:3}" >&8 2>&1
    until [[ ${said-} == *[Ll]istening\ on* ]]; do read -r said <&8; done
    port=${said##*:} next_port=$((port + 1))
}

# until_ready COMMAND...: waits until the command succeeds.
until_ready() {
    local n
    for ((n = 0; n < 100; n++)); do
        ! "$@" >"$tmp/probe" 2>&1 || return 0
        sleep 0.1
    done
    cat "$tmp/probe"
    return 1
}

# cpu NAME: microseconds, so far. memory NAME: KiB.
cpu() {
    awk '$1 == "usage_usec" { print $2 }' "$tmp/groups/bench-$$-$1/cpu.stat"
}
memory() {
    local pid
    for pid in $(cat "$tmp/groups/bench-$$-$1/cgroup.procs"); do
        cat "/proc/$pid/smaps_rollup" 2>/dev/null || true
    done | awk '/^Pss:/ { n += $2 } END { print n }'
}

# per N UNIT NAME COMMAND...: runs a client, and prints the server's processor time for each of N.
per() {
    local before
    before=$(cpu "$3")
    on 1 "${@:4}"
    echo "$(cpu "$3") $before $1" | awk -v unit="$2" '{ print ($1 - $2) / $3, "us of CPU for " unit }'
}

# heading OURS THEIRS: the servers that are compared, and the first lines of the table.
heading() {
    ours=$1 theirs=$2
    printf '| | %s | %s | ratio |\n|---|---|---|---|\n' "$1" "$2"
}

# compare TITLE COMMAND...: `COMMAND... NAME` measures a server once: it prints figures, a line each, "VALUE UNIT".
compare() {
    local round name
    for ((round = 0; round < rounds; round++)); do
        for name in "$ours" "$theirs"; do
            ((round % 2 == 0)) || name=$([[ $name == "$ours" ]] && echo "$theirs" || echo "$ours")
            "${@:2}" "$name" | sed "s/^/$name /" || { echo "$name: $*" >&2 && return 1; }
        done
    done >"$tmp/figures"
    python3 -c '
import statistics, sys
title, ours, theirs = sys.argv[1:]
found = {}
for line in sys.stdin:
    name, value, unit = line.rstrip().split(" ", 2)
    found.setdefault(unit, {ours: [], theirs: []})[name].append(float(value))
def show(values, form):
    least, median, most = (format(f(values), form) for f in (min, statistics.median, max))
    return median if least == most else f"{median} ({least}–{most})"
def plain(values):
    return show(values, ".1f" if max(values) < 100 else ",.0f")
two = ".2f"
for unit, of in found.items():
    ratios = [a / b for a, b in zip(of[ours], of[theirs])]
    print(f"| {title}, {unit} | {plain(of[ours])} | {plain(of[theirs])} | {show(ratios, two)} |")
' "$1" "$ours" "$theirs" <"$tmp/figures"
}
