# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# What the tests share that build from outside, with what trale installs and nothing else; sourced after shell.sh. CC is
# the compiler, CXX the one for C++, RUSTC the one for Rust; TRALE_SANITIZE is meson's b_sanitize, which must be the same
# for program and library.

command -v pkg-config >/dev/null || skip "pkg-config is not installed"

stage=$tmp/stage
flags=(-O2 -g -Wall -Wextra -Werror)
drivers_flags=(-Wl,-z,defs)
if [[ ${TRALE_SANITIZE:-none} != none ]]; then
    flags+=("-fsanitize=$TRALE_SANITIZE" -fno-omit-frame-pointer)
    ! ${CC:-cc} --version | grep -q clang || drivers_flags=() # its runtime is in the program
fi

# Old versions of valgrind cannot read the debugging information that clang has written, such as that of the library.
valgrind_works() {
    [[ ${TRALE_SANITIZE:-none} == none ]] && command -v valgrind && ! ${CC:-cc} --version | grep -q clang
}

install_it() {
    DESTDIR=$stage meson install -C "$build" --no-rebuild --quiet
}

# What a user has after installing: pkg-config, with the stage as its root.
package() {
    PKG_CONFIG_PATH=${pc%/*} PKG_CONFIG_SYSROOT_DIR=$stage pkg-config "$@" trale
}

# Installs, and sets what the programs need: $trale is the command, $driverdir the drivers' folder below $stage,
# $drivermap what hides all other symbols of a driver in C++.
set_up() {
    ok "trale installs" install_it
    pc=$(find "$stage" -name trale.pc)
    driverdir=$(package --variable=driverdir)
    driverdir=${driverdir#"$stage"}
    drivermap=$(package --variable=drivermap)
    drivermap=$stage${drivermap#"$stage"}
    includes=$stage$(PKG_CONFIG_PATH=${pc%/*} pkg-config --variable=includedir trale)
    export LD_LIBRARY_PATH=$stage$(PKG_CONFIG_PATH=${pc%/*} pkg-config --variable=libdir trale)
    export TRALE_CONFIG=$tmp/trale.ini
    unset TRALE_DRIVERS
    trale=$(find "$stage" -path '*/bin/trale')
}

# compiler_of SOURCE: sets $compiler to the command that makes a driver of it; fails if there is none.
compiler_of() {
    case $1 in
    *.c) compiler=(${CC:-cc} "${flags[@]}" -shared -fPIC -fvisibility=hidden "${drivers_flags[@]}") ;;
    *.cpp) compiler=(${CXX:-g++} -std=c++17 -Wpedantic "${flags[@]}" -shared -fPIC -fvisibility=hidden
        "-Wl,--version-script=$drivermap" "${drivers_flags[@]}") ;;
    *.rs) compiler=("${RUSTC:-rustc}" --edition 2021 --crate-type cdylib -O -D warnings) ;;
    *) return 1 ;;
    esac
    command -v "${compiler[0]}" >/dev/null
}

# build_driver NAME SOURCE...: makes $tmp/NAME.so of sources in tests/stranger, after compiler_of.
build_driver() {
    local name=$1
    shift
    local options=
    [[ $1 == *.rs ]] || options=$(package --cflags)
    TRALE_RS=$includes/trale/trale.rs "${compiler[@]}" $options -o "$tmp/$name.so" "${@/#/$root/tests/stranger/}"
}

# exports NAME: the symbols that others see. Address sanitizers add some of their own.
exports() {
    nm -D --defined-only "$tmp/$1.so" | awk '$3 !~ /^__(odr_)?asan/ { print $3 }'
}

# needs_of_trale NAME: the symbols of trale that it wants from outside.
needs_of_trale() {
    nm -D --undefined-only "$tmp/$1.so" | grep trale
}

# write_config THREADS DRIVER LINE...: a trale.ini whose [driver:DRIVER], with these further lines, is the one built
# here; $before is what is loaded before it.
write_config() {
    local threads=$1 driver=$2 other
    shift 2
    {
        printf '[runtime]\nthreads = %s\ndrivers_folder = %s\n' "$threads" "$stage$driverdir"
        printf 'drivers = %s\n' "${before:+$before, }$driver"
        for other in ${before//,/ }; do
            printf '[driver:%s]\npath = %s.so\n' "$other" "$other"
        done
        printf '[driver:%s]\npath = %s\n' "$driver" "$tmp/$driver.so"
        printf '%s\n' "$@"
    } >"$tmp/trale.ini"
}
