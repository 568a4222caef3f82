#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# The rules of the house: which room may include which, one file for each kernel facility, and how long a file may be.
# The rooms of the core and the arrows between them are read from the table in core/README.md.

cd "$1" || exit 1
failures=0

# forbid CLAIM COMMAND...: the claim holds if the command prints nothing.
forbid() {
    local claim=$1 found
    shift
    found=$("$@")
    if [[ -z $found ]]; then
        echo "ok - $claim"
    else
        printf 'not ok - %s\n%s\n' "$claim" "$found"
        failures=$((failures + 1))
    fi
}

for room in core drivers include/trale config tests examples docs; do
    [[ -d $room ]] || { echo "not ok - there is a room $room"; failures=1; }
done

# --- the rooms of the core --------------------------------------------------------------------------------------------

# The table's rows, as "room: the rooms that it may include".
rooms() {
    awk -F '|' '/^\| \[[a-z]+\]\([a-z]+\/?\) \|/ {
        match($2, /\[[a-z]+\]/); room = substr($2, RSTART + 1, RLENGTH - 2)
        known = $4; gsub(/[^a-z ]/, " ", known)
        print room ":" known }' core/README.md
}

# The includes of the core, as "room/file room/file". A header and its source are one part, named by their stem.
includes() {
    grep -oE '^#include "core/[a-z_/]+' core/*/*.[ch] |
        sed -E 's,^core/([a-z_]+/[a-z_]+)\.[ch]:#include "core/([a-z_/]+),\1 \2,' | awk '$1 != $2' | sort -u
}

rooms_differ() {
    diff <(rooms | cut -d: -f1 | sort) <(cd core && ls -d */ | tr -d / | sort)
}

forbidden_arrows() {
    awk 'NR == FNR { split($0, row, ":"); n = split(row[2], known, " ")
                     may[row[1], row[1]] = 1
                     for (i = 1; i <= n; i++) may[row[1], known[i]] = 1
                     next }
         { split($1, from, "/"); split($2, to, "/")
           if (!((from[1], to[1]) in may)) print $1 " includes " $2 ": core/README.md does not allow " from[1] " -> " to[1] }' \
        <(rooms) <(includes)
}

# tsort(1) names the members of each loop on stderr.
loops() {
    tsort 2>&1 >/dev/null
}
loops_of_rooms() {
    rooms | awk -F: '{ n = split($2, known, " "); for (i = 1; i <= n; i++) print $1, known[i] }' | loops
}
loops_of_files() {
    includes | loops
}
loops_of_drivers() {
    local folder
    for folder in drivers/*/; do
        (cd "$folder" && grep -roE --include='*.[ch]' '^#include "[a-z_]+' . | sed -E 's,^.*/([a-z_]+)\.[ch]:#include ",\1 ,' |
            awk '$1 != $2' | loops)
    done
}
# The world, with its TCP and its faults, includes only its own headers.
worldly() {
    local own
    own=$(cd drivers/sim && ls world/*.h faults/*.h tcp/*.h | sed -E 's,.*/,,' | paste -sd '|')
    grep -nE '#include "' drivers/sim/{world,faults,tcp}/*.[ch] | grep -vE "\"($own|list\.h)\""
}
# What a driver includes that is neither in its folders nor shared by all. uring_udp is udp with another way to transfer,
# so that options, groups, addresses and errors are written once; udp knows nothing of it. uring/ is no driver, but what
# those on io_uring share.
foreign_includes() {
    local folder
    grep -nE '#include "[^"]*/' drivers -r
    for folder in drivers/*/; do
        grep -rohE --include='*.[ch]' '^#include "[a-z_]+\.h"' "$folder" | sort -u | cut -d'"' -f2 | while read -r name; do
            [[ -n $(find "$folder" drivers/*.h -name "$name") ]] && continue
            [[ $folder == drivers/uring_udp/ && -f drivers/udp/$name ]] && continue
            [[ $folder == drivers/@(uring_udp|file)/ && -f drivers/uring/$name ]] || echo "$folder includes $name"
        done
    done
}
missing_arrows() {
    [[ $(includes | wc -l) -gt 50 && $(rooms | wc -l) -gt 5 ]] || echo "no includes or no table were found"
}

# --- the other rules --------------------------------------------------------------------------------------------------

# only PATTERN FILE...: the other files of core and drivers that contain the pattern.
only() {
    local pattern=$1
    shift
    grep -lE "$pattern" core/*/*.[ch] drivers/*/*.[ch] drivers/*/*/*.[ch] | grep -vxF "$(printf '%s\n' "$@")"
}

numbers='getrandom|getentropy|random|s?random_r|srandom|s?rand|rand_r|[a-z]rand48|arc4random[a-z_]*'
clocks='clock_gettime|gettimeofday|time|timespec_get'

# Programs that must run the same under a driver with a clock and numbers of its own. Tests (test_*.c) measure the
# runtime and the drivers from outside, by the kernel's clock; the benchmarks compare with system calls.
own_clocks_and_numbers() {
    grep -nE "\\b($numbers|$clocks)\\(" examples/*.c examples/*/*.[ch] tests/*.[ch] tests/drivers/*.[ch] tests/stranger/*.[ch] |
        grep -vE "^tests/test_[a-z_]+\.c:[0-9]+:.*\\b($clocks)\\("
}

too_long() {
    wc -l core/*/*.[ch] drivers/*.h drivers/*/*.[ch] drivers/*/*/*.[ch] include/trale/*.h examples/*.c examples/*/*.[ch] | awk '$2 != "total" && $1 > 360'
}

# Functions end at a brace in the first column, and begin where the last line in the first column ended in none.
long_functions() {
    awk 'FNR == 1 { open = 0 } /^\{/ { open = FNR } /^\}/ && open {
             if (FNR - open > 60) print FILENAME ":" open ": " FNR - open " lines"
             open = 0 }' core/*.c core/*/*.c drivers/*/*.c drivers/*/*/*.c examples/*.c examples/*/*.c
}

wide() {
    grep -nE '^.{121,}' core/*.c core/*/*.[ch] drivers/*.h drivers/*/*.[ch] drivers/*/*/*.[ch] include/trale/*.h examples/*.c examples/*/*.[ch] tests/*.[ch] tests/*/*.[ch]
}

# Signs of sentences that must be read twice. CONTRIBUTING.md names some of these words.
riddles() {
    grep -rnE --include='*.[ch]' --include='*.md' --include='*.ini' --exclude=CONTRIBUTING.md \
        -e '\b([Ww]ho|[Ss]omebody|[Nn]obody|[Ee]verybody) (is|has|was|had|does|stands?|waits?|comes?|asks?|holds?)\b' \
        -e '\b([Ww]ho|[Ss]omebody|[Nn]obody|[Ee]verybody) (awaits?|looks?|knows?|wants?|joins?|polls?|else)\b' \
        -e '\b[Ww]hoever\b|had better|\b(is|are|be|was|were) told\b|not believed|\bborn\b' \
        -e '\bstands? (in|on|at|there|behind|beside)\b' \
        core drivers include examples config docs ./*.md
}

wordy() {
    [[ $(wc -w <README.md) -le 900 ]] || echo "README.md has $(wc -w <README.md) words"
}

unlisted_sources() {
    local file
    for file in core/*/*.c; do
        grep -qF "'${file#core/}'" core/meson.build || echo "$file is not in core/meson.build"
    done
    for file in drivers/*/*.c drivers/*/*/*.c; do
        grep -qF "'${file#drivers/}'" drivers/meson.build || echo "$file is not in drivers/meson.build"
    done
}

unlisted_tests() {
    local file name
    for file in tests/test_*.c; do
        name=${file#tests/test_}
        grep -q "'${name%.c}'" tests/meson.build || echo "$file is not in tests/meson.build"
    done
}

# core/tiny.c stands beside the rooms and knows none of them.
tiny_grows() {
    [[ $(wc -l <core/tiny.c) -le 120 ]] || echo "core/tiny.c has more than 120 lines"
    grep -nE '#include' core/tiny.c | grep -vE '#include <(trale/async|std[a-z]+|errno|unistd|sys/[a-z]+)\.h>'
    ls core | grep -vxE "tiny\.c|README\.md|meson\.build|$(rooms | cut -d: -f1 | paste -sd '|')"
}

# "May include: a, b." in a room's README says what the table says.
room_readmes_differ() {
    local room known
    while IFS=: read -r room known; do
        known=$(echo ${known:-nothing} | tr ' ' ,)
        tr '\n' ' ' <"core/$room/README.md" | tr -d ' ' | grep -q "Mayinclude:$known\." ||
            echo "core/$room/README.md does not say: May include: $known."
    done < <(rooms)
}

forbid "the table of rooms and the includes are there" missing_arrows
forbid "core/README.md lists the rooms of the core" rooms_differ
forbid "each room has a README that says what it may include" room_readmes_differ
forbid "rooms include only what core/README.md allows" forbidden_arrows
forbid "the arrows between rooms go one way" loops_of_rooms
forbid "the arrows between files of the core go one way" loops_of_files
forbid "the arrows between files of a driver go one way" loops_of_drivers
forbid "tiny.c has 120 lines, includes async.h and libc, and is the only file beside the rooms" tiny_grows
forbid "drivers and examples include nothing of core" \
    grep -nE '#include "(\.\./)*core/' drivers examples include -r
forbid "a driver includes nothing of another one, but for uring_udp: its sockets are those of drivers/udp, compiled into both" \
    foreign_includes
forbid "the simulated world knows nothing of programs" worldly
forbid "headers include libc and trale/ alone" \
    bash -c "grep -nE '#include' include/trale/*.h | grep -vE '#include <(trale/|std|type_traits|assert|errno|fcntl|pthread|signal|string|sys/socket|sys/uio|netinet/|arpa/|net/if)'"
forbid "core names no driver, but for core/view, which reads what a simulation writes" \
    bash -c "grep -niE '\\b(udp|timerfd|datagram)\\b' core/*/*.[ch] | grep -v '^core/view/' | grep -vE ':[0-9]+: *(/\\*|\\*|#include <sys/timerfd)'"
forbid "only poller.h includes epoll" only 'sys/epoll\.h' core/reactor/poller.h
forbid "only load.c includes dlopen; the guard, and the driver sim that looks for it, dlsym" \
    only '#include <dlfcn\.h>' core/driver/load.c drivers/guard/module.c drivers/sim/guard.c
forbid "only parse.c includes inih" only '#include <ini\.h>' core/config/parse.c
forbid "only futex.h and the simulation's turns call futex" only 'SYS_futex' core/base/futex.h drivers/sim/turn.c
forbid "only timer/clock.c and reactor/backend.c include timerfd" only 'sys/timerfd\.h' drivers/timer/clock.c \
    core/reactor/backend.c
forbid "only signal/signal.c includes signalfd" only 'sys/signalfd\.h' drivers/signal/signal.c
forbid "only the watchdog, limits of waiting and the driver timer read a clock, only the driver random draws numbers" \
    only "\\b($numbers|$clocks)\\(" core/base/deadline.h drivers/timer/clock.h drivers/random/random.c \
    drivers/process/watch.c
forbid "examples and tests take time and random numbers from interfaces" own_clocks_and_numbers
forbid "libraries neither print nor exit" \
    bash -c "grep -nE '(^|[^>[:alnum:]_])(printf|fprintf|puts|perror|exit|abort|_exit)\\(' core/*/*.c drivers/*/*.c drivers/*/*/*.c |
             grep -vE '^core/(command/[a-z_]+|view/[a-z]+|simulate/[a-z]+|base/log)\\.c:'"
forbid "README.md has at most 900 words" wordy
forbid "no file is two ideas" too_long
forbid "functions fit a screen" long_functions
forbid "lines end at column 120" wide
forbid "prose has nouns for its subjects, and no riddles (STYLE in CONTRIBUTING.md)" riddles
forbid "no line ends in a blank, and none has a tab" \
    grep -rnP --include=*.{c,h,sh,md,build,ini,txt} '[ \t]$|\t' core drivers include examples config docs tests *.md meson.build
forbid "no file has the marks of a merge that git could not finish" \
    grep -rnE '^(<<<<<<<|>>>>>>>)( |$)' --exclude-dir='.git' --exclude-dir='build*' .
forbid "every source is built" unlisted_sources
forbid "every test file is built" unlisted_tests
exit $((failures > 0))
