#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Run by `meson install`. Makes the system's trale.ini from the installed default where there is none: a file that is
# there already, edited or not, stays as it is. Then makes the library known to the dynamic linker.
#
#     install.sh DEFAULT SYSTEM_CONFIG LIBRARIES      paths without DESTDIR; LIBRARIES is the folder of libtrale

set -eu
umask 022
destdir=${MESON_INSTALL_DESTDIR_PREFIX%"$MESON_INSTALL_PREFIX"}

say() {
    [ -n "${MESON_INSTALL_QUIET:-}" ] || echo "$*"
}

# make_config DEFAULT CONFIG
make_config() {
    if [ -e "$2" ] || [ -h "$2" ]; then
        cmp -s "$1" "$2" || say "Keeping $2, which differs from the default, $1"
        return 0
    fi
    say "Installing $1 as $2"
    [ -z "${MESON_INSTALL_DRY_RUN:-}" ] || return 0
    mkdir -p "$(dirname "$2")"
    # Written under another name first: a program that starts meanwhile reads all of it or none of it.
    new=$(mktemp "$2.XXXXXX")
    trap 'rm -f "$new"' EXIT
    cp "$1" "$new"
    chmod 644 "$new"
    mv -n "$new" "$2"
}

# is_searched FOLDER: whether the dynamic linker looks for libraries there.
is_searched() {
    ldconfig -v -N -X 2>/dev/null | sed -n 's/^\(\/[^:]*\):.*/\1/p' | while read -r folder; do
        [ "$folder" -ef "$1" ] && echo yes
    done | grep -q yes
}

# refresh_linker FOLDER: programs find a library there only when the cache of the dynamic linker names it.
refresh_linker() {
    PATH=$PATH:/usr/sbin:/sbin
    command -v ldconfig >/dev/null || return 0
    if ! is_searched "$1"; then
        say "Programs find libtrale in $1 if they are linked with -Wl,-rpath,$1"
    elif [ -z "${MESON_INSTALL_DRY_RUN:-}" ]; then
        say "Running ldconfig"
        ldconfig || say "ldconfig failed: run it as root"
    fi
}

make_config "$destdir$1" "$destdir$2"
[ -n "$destdir" ] || refresh_linker "$3"
