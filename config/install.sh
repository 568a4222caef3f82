#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Run by `meson install`, which shows what it prints only if it fails. Makes the system's trale.ini from the installed
# default where there is none: a file that is there already, edited or not, stays as it is.
#
#     install.sh DEFAULT SYSTEM_CONFIG      paths without DESTDIR

set -eu
umask 022
destdir=${MESON_INSTALL_DESTDIR_PREFIX%"$MESON_INSTALL_PREFIX"}
default=$destdir$1
config=$destdir$2
[ -z "${MESON_INSTALL_DRY_RUN:-}" ] || exit 0

if [ ! -e "$config" ] && [ ! -h "$config" ]; then
    mkdir -p "$(dirname "$config")"
    # Written under another name first: a program that starts meanwhile reads all of it or none of it.
    new=$(mktemp "$config.XXXXXX")
    trap 'rm -f "$new"' EXIT
    cp "$default" "$new"
    chmod 644 "$new"
    mv -n "$new" "$config"
fi

# Programs find libtrale by the cache of the dynamic linker, which only root can write. It holds the usual folders; for
# another one, programs are linked with -rpath.
if [ -z "$destdir" ]; then
    PATH=$PATH:/usr/sbin:/sbin
    ldconfig || true
fi
