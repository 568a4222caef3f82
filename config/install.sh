#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Run by `meson install`: makes the system's trale.ini from the installed default where there is none. A file that is
# there already, edited or not, stays as it is.
#
#     install.sh DEFAULT SYSTEM_CONFIG      paths without DESTDIR

set -eu
umask 022
destdir=${MESON_INSTALL_DESTDIR_PREFIX%"$MESON_INSTALL_PREFIX"}
default=$destdir$1
config=$destdir$2

say() {
    [ -n "${MESON_INSTALL_QUIET:-}" ] || echo "$*"
}

if [ -e "$config" ] || [ -h "$config" ]; then
    cmp -s "$default" "$config" || say "Keeping $config, which differs from the default, $default"
    exit 0
fi
say "Installing $default as $config"
[ -z "${MESON_INSTALL_DRY_RUN:-}" ] || exit 0
mkdir -p "$(dirname "$config")"
# Written under another name first: a program that starts meanwhile reads all of it or none of it.
new=$(mktemp "$config.XXXXXX")
trap 'rm -f "$new"' EXIT
cp "$default" "$new"
chmod 644 "$new"
mv -n "$new" "$config"
