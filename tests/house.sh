#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# The rules of the house: who may know whom, one door for each kernel facility, and how long a file may be.

cd "$1" || exit 1
failures=0

# forbid CLAIM COMMAND...: the claim holds if the command finds nothing.
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

for room in core drivers include/trale config tests examples; do
    [[ -d $room ]] || { echo "not ok - there is a room $room"; failures=1; }
done

# only PATTERN FILE...: where the pattern stands in the code of core and drivers beside those files.
only() {
    local pattern=$1
    shift
    grep -lE "$pattern" core/*.[ch] drivers/*.[ch] | grep -vxF "$(printf '%s\n' "$@")"
}

too_long() {
    wc -l core/*.[ch] drivers/*.[ch] include/trale/*.h examples/*.c | awk '$2 != "total" && $1 > 360'
}

# Functions end at a brace in the first column, and begin where the last line in the first column ended in none.
long_functions() {
    awk 'FNR == 1 { open = 0 } /^\{/ { open = FNR } /^\}/ && open {
             if (FNR - open > 60) print FILENAME ":" open ": " FNR - open " lines"
             open = 0 }' core/*.c drivers/*.c examples/*.c
}

wide() {
    grep -nE '^.{121,}' core/*.[ch] drivers/*.[ch] include/trale/*.h examples/*.c tests/*.[ch] tests/*/*.[ch]
}

forbid "drivers and examples include nothing of core" \
    grep -nE '#include "(\.\./)*core/' drivers examples include -r
forbid "headers include libc and trale/ alone" \
    bash -c "grep -nE '#include' include/trale/*.h | grep -vE '#include <(trale/|std|errno|pthread|signal|string|sys/socket|netinet/)'"
forbid "core names no driver" \
    bash -c "grep -niE '\\b(udp|timerfd|datagram)\\b' core/*.[ch] | grep -vE ':[0-9]+: *(/\\*|\\*)'"
forbid "epoll stands in reactor.c alone" only 'sys/epoll\.h' core/reactor.c
forbid "dlopen stands in driver.c alone" only '#include <dlfcn\.h>' core/driver.c
forbid "inih stands in the configuration alone" only '#include <ini\.h>' core/config.c
forbid "the futex stands in futex.h alone" only 'SYS_futex' core/futex.h
forbid "timerfd stands in timer_clock.c alone" only 'sys/timerfd\.h' drivers/timer_clock.c
forbid "signalfd stands in signal.c alone" only 'sys/signalfd\.h' drivers/signal.c
forbid "the core reads no clock and draws no random number" \
    grep -nE '\b(clock_gettime|gettimeofday|time\(NULL|getrandom|random|rand)\b' core/task.c core/tasks.c \
    core/executor.c core/reactor.c core/runtime.c core/driver.c core/host.c core/park.c core/branches.c core/scope.c core/line.c core/channel.c
forbid "libraries neither print nor exit" \
    bash -c "grep -nE '\\b(printf|fprintf|puts|perror|exit|abort|_exit)\\(' core/*.c drivers/*.c |
             grep -vE '^core/(main|command_[a-z]+|table|log)\\.c:'"
forbid "no file is two ideas" too_long
forbid "functions fit a screen" long_functions
forbid "lines end at column 120" wide
forbid "every test file is built" \
    bash -c "for f in tests/test_*.c; do n=\${f#tests/test_}; grep -q \"'\${n%.c}'\" tests/meson.build || echo \$f; done"
exit $((failures > 0))
