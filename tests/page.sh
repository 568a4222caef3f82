#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# docs/simulation.md: its commands do what it says. Of a block ```console each line `$ COMMAND` is run, in one folder,
# and the lines below it are among those that the command prints, in this order; numbers may differ, and `...` at the
# end of a line stands for the rest of it. A block ```ini that begins with `; FILE` is that file.

source "$(dirname "$0")/shell.sh"
command -v pkg-config >/dev/null || skip "pkg-config is not installed"
[[ ${TRALE_SANITIZE:-none} == none ]] || skip "the commands build without a sanitizer"

export TRALE_DRIVERS=$build/drivers TRALE_CONFIG=$root/config/trale.ini TMPDIR=$tmp/tmp PATH=$build:$PATH
export PKG_CONFIG_PATH=$build/meson-uninstalled LD_LIBRARY_PATH=$build
mkdir "$TMPDIR" "$tmp/work"
ln -s "$root/examples" "$root/tests" "$tmp/work"
# What an earlier failure has left is not in the way.
mkdir -p "$TMPDIR/trale-simulate.before/seed-1"
touch -d yesterday "$TMPDIR/trale-simulate.before/seed-1"/{shrunk,events} "$TMPDIR/trale-simulate.before/seed-1"
cd "$tmp/work" || exit 1
awk '/^```/ { inside = $0 == "```ini"; file = ""; next }
     inside && /^; [a-z]+\.ini$/ { file = $2 }
     inside && file != "" { print >file }' "$root/docs/simulation.md"

# matches PRINTED WANTED: files; the lines of the second are in the first, in this order.
matches() {
    awk 'function plain(line) { gsub(/[0-9]+(\.[0-9]+)?/, "N", line); gsub(/trale-simulate\.[A-Za-z0-9]*/, "FOLDER", line);
                                gsub(/\/[^ ]*FOLDER/, "FOLDER", line); gsub(/ +/, " ", line); return line }
         FNR == NR { printed[++n] = plain($0); next }
         {
             wanted = plain($0)
             open = sub(/ \.\.\.$/, "", wanted)
             do at++; while (at <= n && !(printed[at] == wanted || open && index(printed[at], wanted) == 1))
             if (at > n) { print "not printed: " $0; exit 1 }
         }' "$1" "$2"
}

# follows COMMAND: what it prints is as $tmp/wanted says.
follows() {
    local status=0
    bash -c "${1//\/tmp\//$TMPDIR/}" >"$tmp/said" 2>&1 || status=$?
    [[ $status == 0 || $1 == "trale simulate "* && $status == 1 ]] && matches "$tmp/said" "$tmp/wanted" || { echo "status $status"; cat "$tmp/said"; return 1; }
}

n_commands=0
check() {
    [[ -n $command ]] || return 0
    ok "\$ ${command:0:100}" follows "$command"
    n_commands=$((n_commands + 1))
    command=
}

command=
while IFS= read -r line <&3; do
    if [[ $line == '$ '* || $line == end ]]; then
        check
        command=${line#'$ '} && : >"$tmp/wanted"
    else
        printf '%s\n' "$line" >>"$tmp/wanted"
    fi
done 3< <(awk '/^```/ { inside = $0 == "```console"; next } inside' "$root/docs/simulation.md"; echo end)
ok "the page has commands" test "$n_commands" -gt 10

# The language of the page is the one that is read.
scenario() {
    awk '/^## Scenarios/ { inside = 1 } inside && /^(at|from) /' "$root/docs/simulation.md" >lines
    (($(wc -l <lines) > 12)) && trale simulate --seed 1 --scenario lines -- "$build/examples/reliable" 10.0.0.1:9 10.0.0.2:9 10.0.0.3:9
}
ok "the faults that the page lists are understood" scenario
