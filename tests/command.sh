#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# The `trale` command: what it reports about good and bad configurations, and about drivers that misbehave.

source "$(dirname "$0")/shell.sh"
trale=$build/trale
export TRALE_DRIVERS=$build/drivers HOME=$tmp/home
unset TRALE_CONFIG XDG_CONFIG_HOME NO_COLOR
mkdir -p "$HOME"
cp "$build/drivers/timer.so" "$build/drivers/udp.so" "$tmp/"
chmod 755 "$tmp"/*.so

# ini LINE...: writes $tmp/t.ini.
ini() {
    printf '%s\n' "$@" >"$tmp/t.ini"
}

# says STATUS TEXT: `trale check` of t.ini exits with that status and prints the text, on one line of either output.
says() {
    local status=0 found
    found=$("$trale" check -c "$tmp/t.ini" 2>&1) || status=$?
    ((status == $1)) && grep -qF -- "$2" <<<"$found" || { printf 'status %d\n%s\n' "$status" "$found"; return 1; }
}

# refused CLAIM TEXT LINE...
refused() {
    local claim=$1 text=$2
    shift 2
    ini "$@"
    ok "$claim" says 1 "$text"
}

ok "the shipped trale.ini is right" "$trale" check -c "$root/config/trale.ini"
ini '[runtime]' 'drivers = timer' 'threads = 2' '[driver:timer]' "path = $tmp/timer.so"
ok "a setting is shown with its line" says 0 '[runtime]       threads         2'
ok "a default is shown as such" says 0 'monotonic'
ok "a driver's file is shown" says 0 "$tmp/timer.so"
ok "where bare names are looked up is shown with its source" says 0 '$TRALE_DRIVERS'

refused "a key that is nearly known" "t.ini:5: [driver:udp] recieve_buffer: no such key; did you mean receive_buffer?" \
    '[runtime]' 'drivers = udp' '[driver:udp]' 'path = udp.so' 'recieve_buffer = 4K'
refused "a key that is not known" "t.ini:5: [driver:udp] colour: no such key; allowed are path, receive_buffer, send_buffer" \
    '[runtime]' 'drivers = udp' '[driver:udp]' 'path = udp.so' 'colour = red'
refused "a value of the wrong kind" "t.ini:2: [runtime] threads = many: not an integer; allowed: 0 to 2" \
    '[runtime]' 'threads = many'
refused "a value out of range" "t.ini:2: [runtime] threads = 3: out of range; allowed: 0 to 2" '[runtime]' 'threads = 3'
refused "a choice that there is not" "clock = lunar: not one of monotonic, boottime or realtime" \
    '[runtime]' 'drivers = timer' '[driver:timer]' 'path = timer.so' 'clock = lunar'
refused "a driver without a section" "t.ini:2: [runtime] drivers: upd: there is no section [driver:upd]" \
    '[runtime]' 'drivers = upd' '[driver:udp]' 'path = udp.so'
refused "a driver that is not there" "t.ini:4: [driver:x] $TRALE_DRIVERS/x.so: No such file or directory" \
    '[runtime]' 'drivers = x' '[driver:x]' 'path = x.so'
refused "a key given twice" "t.ini:3: [runtime] threads: given twice, first in line 2" '[runtime]' 'threads = 1' 'threads = 1'
refused "a file that is no driver" "t.ini:4: [driver:x] $tmp/t.ini is no driver: it is not an ELF file" \
    '[runtime]' 'drivers = x' '[driver:x]' "path = $tmp/t.ini" '; padding, for a file shorter than an ELF header is said to be too short'
refused "a folder for a driver" "$tmp is a folder" '[runtime]' 'drivers = x' '[driver:x]' "path = $tmp"
cp "$tmp/timer.so" "$tmp/open.so"
chmod 666 "$tmp/open.so"
refused "a driver that others may write" "$tmp/open.so is writable by others (mode 0666)" \
    '[runtime]' 'drivers = x' '[driver:x]' "path = $tmp/open.so"
head -c 9000 "$tmp/timer.so" >"$tmp/cut.so"
refused "a driver that is cut off" "$tmp/cut.so is no driver: it is cut off" \
    '[runtime]' 'drivers = x' '[driver:x]' "path = $tmp/cut.so"
mkfifo "$tmp/fifo.so"
refused "a FIFO for a driver" "$tmp/fifo.so is not a regular file" \
    '[runtime]' 'drivers = x' '[driver:x]' "path = $tmp/fifo.so"
chmod 666 "$tmp/t.ini"
ok "a trale.ini that others may write" says 1 "$tmp/t.ini is writable by others"
chmod 644 "$tmp/t.ini"

ini '[runtime]' 'threads = 7' 'drivers = timer' '[driver:timer]' 'path = timer.so' 'clok = x' '[other]'
ok "all mistakes are reported at once (1)" says 1 "t.ini:2: [runtime] threads = 7"
ok "all mistakes are reported at once (2)" says 1 "did you mean clock?"
ok "all mistakes are reported at once (3)" says 1 "t.ini:7: [other]: no such section"
ok "and counted" says 1 "3 errors"

# used TEXT: `trale check` reports that this configuration is used.
used() {
    local found
    found=$("$trale" check 2>&1)
    grep -qF "configuration: $1" <<<"$found" || { echo "$found"; return 1; }
}
mkdir -p "$HOME/.config/trale" "$tmp/xdg/trale"
cp "$root/config/trale.ini" "$HOME/.config/trale/trale.ini"
ok "the user's file is found" used "$HOME/.config/trale/trale.ini (the user's)"
cp "$root/config/trale.ini" "$tmp/xdg/trale/trale.ini"
export XDG_CONFIG_HOME=$tmp/xdg
ok "XDG_CONFIG_HOME goes before HOME" used "$tmp/xdg/trale/trale.ini (the user's)"
cp "$root/config/trale.ini" "$tmp/named.ini"
export TRALE_CONFIG=$tmp/named.ini
ok "TRALE_CONFIG goes before both" used "$tmp/named.ini (named by \$TRALE_CONFIG)"
export TRALE_CONFIG=$tmp/absent.ini
ok "a file that TRALE_CONFIG names must be there" fails "$trale" check
ok "-c goes before all" bash -c "'$trale' check -c '$tmp/named.ini' | grep -F '(named by -c)'"
unset TRALE_CONFIG
export XDG_CONFIG_HOME=$tmp/nothing
ok "without a file there is the built-in one" bash -c "'$trale' check | grep -E '(built in|the system.s)'"

ok "drivers lists what each offers" bash -c "'$trale' drivers -c '$tmp/named.ini' | grep -E '^udp .*trale.udp/1'"
ok "drivers --options lists what each takes" \
    bash -c "'$trale' drivers --options -c '$tmp/named.ini' | grep -E '^timer +clock +choice +monotonic +monotonic, boottime or realtime'"
ok "what is piped is plain" bash -c "! '$trale' drivers --options -c '$tmp/named.ini' | grep -q $'\\033'"
if command -v python3 >/dev/null; then
    json() { { "$trale" "$@" || true; } | python3 -c 'import json, sys; sys.exit(json.load(sys.stdin)["ok"] is not ('"$wanted"'))'; }
    wanted=True
    ok "check --json is JSON" json check --json -c "$tmp/named.ini"
    ok "drivers --json is JSON" json drivers --options --json -c "$tmp/named.ini"
    ini '[runtime]' $'drivers = "quoted\\", \t\xc3\xa4'
    wanted=False
    ok "so it is when something is wrong, whatever the text" json check --json -c "$tmp/t.ini"
fi

ok "help is given" bash -c "'$trale' --help | grep -q '^usage:'"
ok "the version is given" bash -c "'$trale' --version | grep -q '^trale [0-9]'"
usage() {
    local status=0
    "$trale" "$@" >"$tmp/usage" 2>&1 || status=$?
    equal "$status" 2
}
ok "no command is wrong usage" usage
ok "an unknown command is wrong usage" usage chekc
ok "an unknown option is wrong usage" usage check --jsno
ok "-c without a file is wrong usage" usage check -c

# Drivers that end the process when they are loaded. They are built without sanitizers: a sanitized program could not
# load them otherwise.
if [[ ${TRALE_SANITIZE:-none} == none ]]; then
    bad_driver() {
        echo "#include <stdlib.h>
              #include <unistd.h>
              __attribute__((constructor)) static void begin(void) { $2; }" >"$tmp/$1.c"
        ${CC:-cc} -shared -fPIC -o "$tmp/$1.so" "$tmp/$1.c"
        ini '[runtime]' 'drivers = x, timer' '[driver:x]' "path = $tmp/$1.so" '[driver:timer]' 'path = timer.so'
    }
    bad_driver crash '*(volatile int *)0 = 0'
    ok "a driver that crashes is a message" says 1 \
        "t.ini:4: [driver:x] $tmp/crash.so crashed while being loaded (Segmentation fault)"
    ok "and the next one is looked at" says 1 "timer   loads"
    bad_driver leave 'exit(7)'
    ok "a driver that exits is a message" says 1 "$tmp/leave.so ended the process while being loaded (exit status 7)"
    bad_driver quiet 'exit(0)'
    ok "also one that exits quietly" says 1 "$tmp/quiet.so ended the process while being loaded (exit status 0)"
    bad_driver hang 'for (;;) pause()'
    ok "a driver that hangs is a message" says 1 "$tmp/hang.so did not finish loading within 10 s"
fi
