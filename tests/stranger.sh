#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Drivers and applications from outside: they are built with what trale installs, and work.

source "$(dirname "$0")/shell.sh"
source "$(dirname "$0")/installed.sh"

# The drivers from outside, a line each: its name, the drivers before it, a line for its section of trale.ini, and its
# sources in tests/stranger.
each_driver() {
    "$@" inotify 'timer' '' inotify.c
    "$@" simulated_timer '' '' simulated_timer.c
    "$@" lines 'timer' 'longest = 1K' lines.cpp
    "$@" trace 'timer, udp' 'over = timer, udp' trace.c trace_udp.c trace_stream.c
    "$@" delay 'timer, udp' 'over = udp' delay.c
    "$@" words 'timer' '' words.rs
    "$@" datagrams '' 'kernel = thread' datagrams/{driver,socket,thread,uring}.c
}

# is_a_driver NAME BEFORE LINE SOURCE...
is_a_driver() {
    local name=$1 before=$2 line=$3
    shift 3
    compiler_of "$1" || { echo "skipped - no compiler for $name is installed"; return; }
    ok "the driver $name builds with what is installed alone" build_driver "$name" "$@"
    ok "$name has one exported symbol" equal "$(exports "$name")" trale_driver
    ok "$name needs no symbol of trale" equal "$(needs_of_trale "$name")" ""
    write_config 1 "$name" "$line"
    ok "trale check accepts $name" "$trale" check -c "$tmp/trale.ini"
}

build_application() {
    ${CC:-cc} "${flags[@]}" $(package --cflags) -o "$tmp/watch" "$root/tests/stranger/watch.c" $(package --libs)
}

# The program in the README, as a reader would type it in.
readme_program_works() {
    awk '/^```c$/ { inside = 1; next } /^```$/ { if (inside) exit } inside' "$root/README.md" >"$tmp/hello.c"
    ${CC:-cc} "${flags[@]}" $(package --cflags) -o "$tmp/hello" "$tmp/hello.c" $(package --libs) && write_config 1 inotify &&
        equal "$("$tmp/hello" | sort)" $'Hello from task 1!\nHello from task 2!'
}

# The same program, but it sleeps for hours: simulated time takes none.
sleeps_for_hours() {
    local before=
    sed 's/TRALE_SECOND/3600 * &/' "$tmp/hello.c" >"$tmp/hours.c"
    fails cmp -s "$tmp/hello.c" "$tmp/hours.c" || return 1
    ${CC:-cc} "${flags[@]}" $(package --cflags) -o "$tmp/hours" "$tmp/hours.c" $(package --libs) &&
        write_config 1 simulated_timer && equal "$("$tmp/hours" | sort)" $'Hello from task 1!\nHello from task 2!'
}

# The same program with a layer over the timer, which trale.ini alone puts in.
runs_under_a_layer() {
    local before='timer, udp'
    write_config "$1" trace 'over = timer, udp' && equal "$("$tmp/hello" | sort)" $'Hello from task 1!\nHello from task 2!'
}

# Without installing, by the variables that the README names.
works_in_the_build_folder() (
    export PKG_CONFIG_PATH=$build/meson-uninstalled LD_LIBRARY_PATH=$build TRALE_DRIVERS=$build/drivers
    export TRALE_CONFIG=$root/config/trale.ini
    ${CC:-cc} "${flags[@]}" "$tmp/hello.c" $(pkg-config --cflags --libs trale) -o "$tmp/hello2" &&
        equal "$("$tmp/hello2" | sort)" $'Hello from task 1!\nHello from task 2!'
)

# The system's trale.ini: a copy of the default at first; after the next installation still as a user edited it.
installs_the_default() {
    cmp "$root/config/trale.ini" "$config" && cmp "$root/config/trale.ini" "$default" &&
        equal "$(stat -c %a "$config" "${config%/*}")" $'644\n755'
}
keeps_an_edited_file() {
    echo '; edited' >>"$config"
    cp "$config" "$tmp/edited.ini"
    install_it && cmp "$tmp/edited.ini" "$config" && cmp "$root/config/trale.ini" "$default"
}
keeps_a_link() {
    ln -sf nowhere "$config"
    install_it && equal "$(readlink "$config")" nowhere
}
# install.sh as `meson install` runs it with this DESTDIR, and with an ldconfig of our own.
linker_learns() {
    local called
    mkdir -p "$tmp/bin" "$1$root/config"
    [[ -z $1 ]] || cp "$root/config/trale.ini" "$1$root/config/"
    printf '#!/bin/sh\necho refreshed\n' >"$tmp/bin/ldconfig"
    chmod +x "$tmp/bin/ldconfig"
    called=$(PATH=$tmp/bin:$PATH MESON_INSTALL_PREFIX=/usr MESON_INSTALL_DESTDIR_PREFIX=$1/usr \
        "$root/config/install.sh" "$root/config/trale.ini" "$root/config/trale.ini") || return 1
    equal "$called" "$2"
}
restores_a_deleted_file() {
    rm "$config"
    (umask 077 && install_it) && installs_the_default && equal "$(ls "${config%/*}")" trale.ini
}

# for_each_compiler COMMAND...: with each compiler that is installed, in its default C and in C11 without extensions.
for_each_compiler() {
    local compiler standard status=0
    for compiler in gcc clang; do
        command -v "$compiler" >/dev/null || continue
        for standard in '' -std=c11; do
            "$@" "$compiler" $standard || status=1
        done
    done
    return "$status"
}

# The same for C++.
for_each_cxx() {
    local compiler standard status=0
    for compiler in g++ clang++; do
        command -v "$compiler" >/dev/null || continue
        for standard in -std=c++17 -std=c++20; do
            "$@" "$compiler" -x c++ $standard || status=1
        done
    done
    return "$status"
}

# A file that includes this header alone.
header_stands_alone() {
    local header=$1
    shift
    printf '#include <trale/%s>\nextern int alone;\n' "$header" >"$tmp/alone.c"
    "$@" -Wall -Wextra -Wpedantic -Werror $(package --cflags) -c "$tmp/alone.c" -o "$tmp/alone.o"
}

# A program without async functions: also what the macros of the other headers expand to is pedantic.
program_by_hand_builds() {
    "$@" -O2 -Wall -Wextra -Wpedantic -Werror $(package --cflags) -c "$root/tests/stranger/by_hand.c" -o "$tmp/by_hand.o"
}

refuses_cxx() {
    local compiler
    printf '#include <trale/async.h>\n' >"$tmp/async.cc"
    for compiler in g++ clang++; do
        command -v "$compiler" >/dev/null || continue
        ! "$compiler" -fsyntax-only $(package --cflags) "$tmp/async.cc" 2>"$tmp/refusal" || return 1
        grep 'error: .*write futures by hand' "$tmp/refusal" || return 1
    done
}

# Each compiler that has a target of 32 bits refuses it with a sentence, before it looks for a libc for that target.
refuses_32_bits() {
    local compiler header
    printf 'extern int nothing;\n' >"$tmp/nothing.c"
    for compiler in 'gcc -m32' 'clang --target=i686-linux-gnu' 'g++ -m32 -x c++' 'clang++ --target=i686-linux-gnu -x c++'; do
        $compiler -fsyntax-only "$tmp/nothing.c" 2>/dev/null || continue
        for header in future trale driver timer udp stream stream_buffer signal blocking sync fiber; do
            printf '#include <trale/%s.h>\n' "$header" >"$tmp/narrow.c"
            ! $compiler -fsyntax-only $(package --cflags) "$tmp/narrow.c" 2>"$tmp/refusal" || return 1
            grep 'error: .*64-bit pointers' "$tmp/refusal" || { cat "$tmp/refusal" && return 1; }
        done
    done
}

# What an example needs beside trale: the flags of pkg-config. Fails where that is not installed.
needs_beside() {
    ! grep -q '<ares\.h>' "$1" || pkg-config "${@:2}" libcares 2>/dev/null
}

# The example as the README says, but with warnings. A sanitized library links with sanitized programs alone.
example_builds() {
    local example=$1
    shift
    if [[ ${TRALE_SANITIZE:-none} == none ]]; then
        "$@" -Wall -Wextra -Werror "$example" $(package --cflags --libs) $(needs_beside "$example" --cflags --libs) \
            -o "$tmp/example"
    else
        "$@" -Wall -Wextra -Werror "$example" $(package --cflags) $(needs_beside "$example" --cflags) -c \
            -o "$tmp/example.o"
    fi
}

# A program that prints a signal's name, which it got from a function that plain C does not declare.
build_graceful() {
    ${CC:-cc} "${flags[@]}" "$root/examples/graceful.c" $(package --cflags --libs) -o "$tmp/graceful_program"
}

start_graceful() {
    sed "s|^\[runtime\]|&\ndrivers_folder = $stage$driverdir|" "$root/examples/graceful.ini" >"$tmp/graceful.ini"
    TRALE_CONFIG=$tmp/graceful.ini start graceful "$tmp/graceful_program"
}

graceful_ends() {
    stop graceful && equal "$said" $'SIGTERM: 0 under way\nechoed 0 of 0'
}

# The installed script: nothing in the program of the README, something in one whose local does not survive.
finds_locals() {
    local locals=${trale%/*}/trale-locals
    "$locals" $(package --cflags) "$tmp/hello.c" || return 1
    sed 's/^    trale_begin();/&\n    char name[8] = "";/; s/^    trale_return/    puts(name);\n&/' "$tmp/hello.c" \
        >"$tmp/careless.c"
    fails "$locals" $(package --cflags) "$tmp/careless.c" | grep "careless.c:.*'name' does not survive"
}

sees() {
    rm -rf "$tmp/folder" && mkdir "$tmp/folder" && write_config "$1" inotify 'buffer = 1K' || return 1
    equal "$("$tmp/watch" "$tmp/folder")" "created: first
created: second and third
nothing more
created: fourth
closed: Operation canceled"
}

lists_the_driver() {
    "$trale" drivers -c "$tmp/trale.ini" | tee "$tmp/list" && grep -q 'org.example.inotify/1' "$tmp/list"
}

refuses_a_tiny_buffer() {
    write_config 1 inotify 'buffer = 100'
    fails "$tmp/watch" "$tmp/folder" 2>&1 | tee "$tmp/refusal"
    grep -q buffer "$tmp/refusal" && ! "$trale" check -c "$tmp/trale.ini"
}

set_up
config=$stage$("$trale" --help | grep -o '/.*/trale/trale.ini$' | tail -n 1)
default=$(find "$stage" -path '*/share/trale/trale.ini')
ok "the default trale.ini is installed" installs_the_default
ok "an edited trale.ini stays when it is installed again" keeps_an_edited_file
ok "so does a symbolic link" keeps_a_link
ok "one that was deleted is made again" restores_a_deleted_file

ok "the dynamic linker learns of the library" linker_learns '' refreshed
ok "but not when it is installed below DESTDIR" linker_learns "$tmp/stage2" ''
ok "the installed drivers are where pkg-config says" test -f "$stage$driverdir/timer.so"
ok "the tutorial for drivers is installed" test -f "$stage${driverdir%/lib*}/share/doc/trale/drivers/README.md"
each_driver is_a_driver
before=timer
ok "an application builds with pkg-config" build_application
for threads in 1 2 0; do
    ok "threads = $threads: the application gets what it awaits from the driver" sees $threads
done
ok "trale drivers lists its interface" lists_the_driver
ok "its options are checked" refuses_a_tiny_buffer
ok "the program in the README builds and runs" readme_program_works
for threads in 1 2 0; do
    ok "threads = $threads: it runs as before under a layer" runs_under_a_layer $threads
done
ok "with the simulated timer it sleeps for hours in no time" sleeps_for_hours
ok "the program in the README also works without installing" works_in_the_build_folder
ok "trale-locals finds what does not survive an await" finds_locals
for header in "$stage$(package --variable=includedir | sed "s|^$stage||")"/trale/*.h; do
    ok "${header##*/} can be included alone" for_each_compiler header_stands_alone "${header##*/}"
    [[ ${header##*/} == async.h ]] ||
        ok "${header##*/} can be included alone in C++" for_each_cxx header_stands_alone "${header##*/}"
done
ok "futures by hand, fibers and spawning need no extension of C11" for_each_compiler program_by_hand_builds
ok "async.h says that C++ has no async functions" refuses_cxx
ok "a target of 32 bits is refused with a sentence" refuses_32_bits
for example in "$root"/examples/*.c; do
    needs_beside "$example" --exists || { echo "skipped - ${example##*/} needs a library that is not installed"; continue; }
    ok "${example##*/} builds as the README says" for_each_compiler example_builds "$example"
done
ok "graceful is built" build_graceful
start_graceful
ok "built like this, graceful names the signal and ends" graceful_ends
