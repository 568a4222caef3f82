#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# A driver and a program in C++: they are built with what trale installs, by each compiler, and work in each thread
# layout and under valgrind.

source "$(dirname "$0")/shell.sh"
source "$(dirname "$0")/installed.sh"

# Those that are installed; for a sanitized library, the one whose sanitizer it has.
compilers() {
    local cxx
    for cxx in g++ clang++; do
        command -v "$cxx" >/dev/null || continue
        [[ ${TRALE_SANITIZE:-none} != none && $cxx != "$(matching_compiler)" ]] || echo "$cxx"
    done
}
matching_compiler() {
    if ${CC:-cc} --version | grep -q clang; then echo clang++; else echo g++; fi
}

build_program() {
    $CXX -std=c++17 -Wpedantic "${flags[@]}" $(package --cflags) -o "$tmp/talk" "$root/tests/stranger/talk.cpp" \
        $(package --libs) -pthread
}

wanted='winner: 1, dropped: 1
memory is out: -ENOMEM, then: 49
line: one
line: two
line: three
lines: 11
scope: -33, dropped: 1
sent: 0, sum: 155
ping: 5
blocking: 17
caught: 212
tasks left: 0'

# works THREADS WRAPPER...
works() {
    write_config "$1" lines
    shift
    equal "$("$@" "$tmp/talk")" "$wanted"
}

# The checks have nothing to say.
works_with_checks() {
    write_config "$1" lines && sed -i 's/^\[runtime\]/&\nchecks = yes/' "$tmp/trale.ini" &&
        equal "$("$tmp/talk" 2>&1)" "$wanted"
}

has_no_constructor() {
    equal "$(nm "$tmp/lines.so" | grep _GLOBAL__sub_I)" ""
}

# compiles TOP STATEMENT
compiles() {
    cat >"$tmp/part.cpp" <<CODE
#include <string>
#include <trale/scope.h>
#include <trale/timer.h>
struct fine { struct trale_future future; struct trale_sleep first, second; TRALE_BRANCHES(2) race; };
$1
void start(struct trale *runtime, struct trale_scope *scope, fine *self);
void start(struct trale *runtime, struct trale_scope *scope, fine *self)
{
    (void)runtime, (void)scope, (void)self;
    $2
}
CODE
    $CXX -std=c++17 -Wall -Wextra -Wpedantic -Werror $(package --cflags) -c "$tmp/part.cpp" -o "$tmp/part.o" 2>&1
}

# refuses MESSAGE TOP STATEMENT
refuses() {
    local said
    ! said=$(compiles "$2" "$3") || return 1
    grep -q "$1" <<<"$said" || { echo "$said" && return 1; }
}

mapfile -t all < <(compilers)
((${#all[@]} > 0)) || skip "neither g++ nor clang++ is installed"
set_up
before='timer, udp, blocking'
flags+=(-gdwarf-4)
two='trale_sleep(&self->first, 1), trale_sleep(&self->second, 1)'
for CXX in "${all[@]}"; do
    compiler_of lines.cpp
    ok "$CXX: the driver builds" build_driver lines lines.cpp
    ok "$CXX: it has one exported symbol" equal "$(exports lines)" trale_driver
    ok "$CXX: its description needs no constructor" has_no_constructor
    ok "$CXX: the program builds" build_program
    for threads in 1 2 0; do
        ok "$CXX: threads = $threads: the program gets what it awaits" works $threads
        ! valgrind_works >/dev/null ||
            ok "$CXX: threads = $threads: under valgrind too" works $threads \
                valgrind -q --error-exitcode=9 --leak-check=full --errors-for-leak-kinds=definite --fair-sched=yes \
                --soname-synonyms=somalloc=nouserintercepts # the program has an operator new of its own
        ok "$CXX: threads = $threads: the checks find nothing" works_with_checks $threads
    done

    ok "$CXX: frames are spawned" compiles '' \
        'trale_detach(trale_spawn(runtime, *self)); if (trale_scope_spawn(scope, *self) < 0) return;'
    ok "$CXX: a frame that is not plain data is not spawned" refuses 'plain data' \
        'struct owner { struct trale_future future; std::string text; };' \
        'trale_detach(trale_spawn(runtime, owner{}));'
    ok "$CXX: nor is one whose first member is no future" refuses 'first member' \
        'struct late { int n; struct trale_future future; };' 'if (trale_scope_spawn(scope, late{}) < 0) return;'
    ok "$CXX: a handle that is ignored is warned of" refuses unused '' 'trale_spawn(runtime, *self);'
    ok "$CXX: a race takes as many futures as there is room for" compiles '' \
        "self->future.awaiting = trale_race_of(&self->race, $two);"
    ok "$CXX: and no more" refuses 'as many futures as' '' \
        "self->future.awaiting = trale_race_of(&self->race, $two, $two);"
done
