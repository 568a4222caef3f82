# shellcheck shell=bash disable=SC2034
# SPDX-License-Identifier: MIT
#
# What the shell tests share; sourced, not run. They print `ok - claim` or `not ok - claim` for each claim.
#
# TRALE_BUILD is the build folder (default: build). $tmp is a folder of the test's own, removed at its end.

set -u -o pipefail
umask 022 # trale loads no file that other users may write

export ASAN_OPTIONS=exitcode=99:${ASAN_OPTIONS:-} # the default, 1, is also the status of ordinary failures

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build=$(cd "${TRALE_BUILD:-$root/build}" && pwd) || exit 1
tmp=$(mktemp -d) || exit 1
failures=0
declare -A pid=() output=()

# end PID...: ends these processes; in three seconds, or at once.
end() {
    local i
    kill "$@" 2>/dev/null
    for ((i = 0; i < 60; i++)); do
        kill -0 "$@" 2>/dev/null || return 0
        read -r -t 0.05 <>"$tmp/never"
    done
    kill -KILL "$@" 2>/dev/null
}

# Whatever fails, nothing that the script has started outlives it.
finish() {
    local status=$? left
    read -r -d '' -a left <<<"$(jobs -p)"
    ((${#left[@]} == 0)) || end "${left[@]}"
    rm -rf "$tmp"
    ((failures == 0)) || exit 1
    exit "$status"
}
trap finish EXIT
trap 'exit 1' TERM INT HUP

# ok CLAIM COMMAND...: the claim holds if the command succeeds; if not, its output is shown.
ok() {
    local claim=$1
    shift
    if "$@" >"$tmp/printed" 2>&1; then
        echo "ok - $claim"
    else
        echo "not ok - $claim"
        sed 's/^/    /' "$tmp/printed"
        failures=$((failures + 1))
    fi
}

# equal FOUND WANTED
equal() {
    [[ $1 == "$2" ]] || { printf 'found:  %s\nwanted: %s\n' "$1" "$2"; return 1; }
}

# fails COMMAND...: succeeds if the command fails by itself, not by a signal or a sanitizer.
fails() {
    local status=0
    "$@" || status=$?
    ((status == 1)) || { echo "exit status $status"; return 1; }
}

# skip REASON: skips the whole test.
skip() {
    echo "skipped: $1"
    exit 77
}

# start NAME COMMAND...: runs the command in the background and waits for its first line, which ends with the address on
# which it listens. Sets $address to that, and ${pid[NAME]} to the process. Ends one of the name that a claim has left
# when it failed.
start() {
    local name=$1 fd
    shift
    [[ -z ${pid[$name]:-} ]] || { end "${pid[$name]}"; ended "$name"; }
    mkfifo "$tmp/$name"
    "$@" >"$tmp/$name" &
    pid[$name]=$!
    exec {fd}<"$tmp/$name"
    rm "$tmp/$name"
    output[$name]=$fd
    address=
    read -r -t 60 -u "$fd" _ _ address
    [[ -n $address ]] || { echo "not ok - $name starts"; exit 1; }
}

# ended NAME: waits for its end and sets $said to the rest of its output. Succeeds if the process did.
ended() {
    local fd=${output[$1]} status=0
    wait "${pid[$1]}" || status=$?
    said=$(cat <&"$fd")
    exec {fd}<&-
    unset "pid[$1]" "output[$1]"
    return "$status"
}

# stop NAME [SIGNAL]: sends the signal and waits for the end.
stop() {
    kill "-${2:-TERM}" "${pid[$1]}"
    ended "$1"
}

# await COMMAND...: until it succeeds, for a minute and more.
mkfifo "$tmp/never"
await() {
    local i
    for ((i = 0; i < 1200; i++)); do
        "$@" && return 0
        read -r -t 0.05 <>"$tmp/never"
    done
    echo "in vain: $*"
    return 1
}

# manage NAME: plays a service manager that listens at this socket (manager.py), for the services that start from now on.
manage() {
    start manager python3 "$root/tests/manager.py" "$1"
    export NOTIFY_SOCKET=$address
}

# notified LINE...: what the manager is sent next.
notified() {
    local line wanted
    for wanted; do
        read -r -t 60 -u "${output[manager]}" line || line="nothing"
        equal "$line" "$wanted" || return 1
    done
}

# unmanage: the manager has been sent nothing else, and goes.
unmanage() {
    unset NOTIFY_SOCKET
    kill "${pid[manager]}"
    ended manager
    equal "$said" ""
}

# units NAME: systemd finds no fault with NAME.service and NAME.socket, whose program need not be installed.
units() {
    local kind name=${1##*/}
    for kind in service socket; do sed 's,^\(Exec[A-Za-z]*\)=[^ ]*,\1=/bin/true,' "$root/$1.$kind" >"$tmp/$name.$kind"; done
    equal "$(systemd-analyze verify --man=no "$tmp/$name.service" "$tmp/$name.socket" 2>&1)" ""
}

# use_threads N: uses the shipped trale.ini with that many threads, and the drivers of the build folder.
use_threads() {
    sed "s/^threads *=.*/threads = $1/" "$root/config/trale.ini" >"$tmp/trale.ini"
    export TRALE_CONFIG=$tmp/trale.ini TRALE_DRIVERS=${TRALE_DRIVERS:-$build/drivers}
}
