#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# ./dev in a checkout from which trale would load nothing: it says so before it installs or builds anything. And when
# it configures the build folder.

source "$(dirname "$0")/shell.sh"
unset BUILD

mkdir -p "$tmp/a/b/checkout/config" "$tmp/a/b/checkout/build/drivers"
cp "$root/dev" "$tmp/a/b/checkout/"
cp "$root/config/trale.ini" "$tmp/a/b/checkout/config/"
touch "$tmp/a/b/checkout/build/drivers/x.so"

# refuses TEXT...: ./dev run fails, says all of the texts, and makes nothing.
refuses() {
    local text
    fails "$tmp/a/b/checkout/dev" run >"$tmp/said" 2>&1 || return 1
    for text; do
        grep -qF -- "$text" "$tmp/said" || { echo "not said: $text"; cat "$tmp/said"; return 1; }
    done
    [[ ! -e $tmp/a/b/checkout/build/build.ninja ]]
}

all_of_it() {
    refuses "$tmp/a is writable by others (mode 775)" "$tmp/a/b is writable by others (mode 757)" \
        "chmod go-w $tmp/a $tmp/a/b" && ! grep -q checkout "$tmp/said"
}
chmod 775 "$tmp/a"
chmod 757 "$tmp/a/b"
chmod -R g+w "$tmp/a/b/checkout" # as under umask 002
ok "folders above the checkout that others may write are named, all at once" all_of_it
ok "what belongs to the checkout is closed" \
    equal "$(cd "$tmp/a/b/checkout" && stat -c %A . config config/trale.ini build/drivers/x.so | grep -c '^.....w')" 0
chmod 755 "$tmp/a" "$tmp/a/b"
if ((EUID == 0)); then
    chown -R 65534 "$tmp/a/b"
    ok "as root, a checkout of another user is named with its owner" \
        refuses "$tmp/a/b belongs to " "(user 65534)" "$tmp/a/b/checkout/config/trale.ini belongs to " "Run ./dev as "
    chown -R 0 "$tmp/a/b"
fi

# A folder that not even root can make.
names_the_build_folder() {
    fails env BUILD=/proc/none/build "$tmp/a/b/checkout/dev" run 2>&1 |
        grep -F 'you may not write /proc/none/build; to build in another folder: BUILD='
}
ok "a build folder that cannot be made is named" names_the_build_folder

# A checkout that builds nothing, and counts how often it is configured; all packages are there.
mkdir -p "$tmp/bin" "$tmp/dpkg" "$tmp/empty/config"
cp "$root/dev" "$tmp/empty/"
cp "$root/config/trale.ini" "$tmp/empty/config/"
printf '#!/bin/sh\necho installed\n' >"$tmp/bin/dpkg-query"
chmod 755 "$tmp/bin/dpkg-query"
cat >"$tmp/empty/meson.build" <<EOF
project('empty')
run_command('sh', '-c', 'echo once >>"\$1"', 'sh', '$tmp/n', check: true)
test('nothing', find_program('true'))
EOF

# configured N: after ./dev test, the folder was configured N times in all.
configured() {
    env PATH="$tmp/bin:$PATH" DPKG_ADMINDIR="$tmp/dpkg" "$tmp/empty/dev" test >"$tmp/said" 2>&1 || { cat "$tmp/said"; return 1; }
    equal "$(wc -l <"$tmp/n")" "$1"
}
if command -v ninja >/dev/null && command -v meson >/dev/null; then
    touch -d '1 hour ago' "$tmp/dpkg/status"
    ok "the build folder is configured once" configured 1
    ok "and not again" configured 1
    touch -d '1 hour' "$tmp/dpkg/status"
    ok "but after packages were installed or removed" configured 2
    touch -d '1 hour ago' "$tmp/dpkg/status"
    ok "and then not again" configured 2
    rm "$tmp/dpkg/status"
    ok "a system without dpkg has no such time" configured 2
fi
