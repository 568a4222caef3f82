#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Drivers of another machine: their descriptions are read, and they are not loaded.

source "$(dirname "$0")/shell.sh"
other=aarch64-linux-gnu-gcc
[[ $(uname -m) == aarch64 ]] && other=x86_64-linux-gnu-gcc
command -v "$other" >/dev/null || skip "$other is not installed"
read_driver=$build/tests/read_driver damaged=$build/tests/damaged_drivers

# build_driver NAME OUTPUT FLAG...
build_driver() {
    local folders
    mapfile -t folders < <(find "$root/drivers/$1" -type d -printf '-iquote\n%p\n')
    "$other" -shared -fPIC -O2 -D_GNU_SOURCE -fvisibility=hidden -Wl,-z,defs -I"$root/include" -I"$root/drivers" \
        "${folders[@]}" "${@:3}" -o "$tmp/$2.so" $(find "$root/drivers/$1" -name '*.c') -pthread
}
same() {
    "$read_driver" "$tmp/$1.so" | diff "$tmp/own" -
}
# GNU's linker packs the relocations of x86-64 only, but lld does it for each machine.
mkdir "$tmp/lld"
command -v ld.lld >/dev/null && ln -s "$(command -v ld.lld)" "$tmp/lld/ld"
for driver in "$root"/drivers/*/; do
    name=$(basename "$driver")
    [[ -e $build/drivers/$name.so ]] || continue # a folder that is no driver
    # Their libraries are not here for the other machine.
    [[ $name == resolve || $name == uring_udp || $name == file ]] && continue
    "$read_driver" "$build/drivers/$name.so" | grep -v constructors >"$tmp/own" || exit 1
    echo "0 constructors" >>"$tmp/own"
    build_driver "$name" "$name" || exit 1
    ok "$name, of another machine, describes itself as here" same "$name"
    if [[ -e $tmp/lld/ld ]] && build_driver "$name" "$name-packed" -B "$tmp/lld" -Wl,--pack-dyn-relocs=relr; then
        ok "$name is packed" bash -c "readelf -d '$tmp/$name-packed.so' | grep -q '(RELR)'"
        ok "$name, with packed relocations, describes itself as here" same "$name-packed"
    else
        cp "$tmp/$name.so" "$tmp/$name-packed.so"
    fi
    "${other%gcc}strip" "$tmp/$name.so"
    ok "$name, stripped, has no constructor of its own" same "$name"
done

# The linker fills the space between two files' functions, and not always with instructions.
echo 'int one(void); int one(void) { return 1; }' >"$tmp/one.c"
aligned() {
    "$other" -shared -fPIC -O2 -D_GNU_SOURCE -fvisibility=hidden -falign-functions="$2" -I"$root/include" "${@:3}" \
        -o "$tmp/$1.so" "$tmp/one.c" "$root/drivers/random/random.c" && "$read_driver" "$tmp/$1.so" | diff "$tmp/own" -
}
"$read_driver" "$build/drivers/random.so" | grep -v constructors >"$tmp/own"
echo "0 constructors" >>"$tmp/own"
for bytes in 32 64 256; do
    ok "functions aligned to $bytes bytes are code" aligned "aligned-$bytes" "$bytes"
    [[ -e $tmp/lld/ld ]] &&
        ok "functions aligned to $bytes bytes by lld are code" aligned "aligned-$bytes-lld" "$bytes" -B "$tmp/lld"
done
zeroed() {
    cp "$tmp/aligned-64.so" "$tmp/zeroed.so"
    dd if=/dev/zero of="$tmp/zeroed.so" bs=1 seek="$1" count=160 conv=notrunc status=none
    fails "$read_driver" "$tmp/zeroed.so" 2>&1 | grep -q "a part of its code is zeros"
}
ok "a part of the code that is zeros is found between aligned functions" zeroed \
    $((16#$(readelf -SW "$tmp/aligned-64.so" | awk '$2 == ".text" || $3 == ".text" {print $(NF - 6)}') + 320))

printf '[runtime]\ndrivers = x\n[driver:x]\npath = %s/timer.so\n' "$tmp" >"$tmp/t.ini"
refused() {
    fails "$build/trale" check "$tmp/t.ini" >"$tmp/said" 2>&1 || return 1
    grep -qF "t.ini:4: [driver:x] $tmp/timer.so is no driver: it is an ELF file for another machine" "$tmp/said"
}
ok "it is refused by its machine" refused
ok "the reader survives damaged ones" "$damaged" -c 2000 1 "$tmp/timer.so" "$tmp/udp-packed.so" "$tmp/signal.so"
