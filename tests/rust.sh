#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# A driver in Rust: it is built with what trale installs, by each rustc, and a program in C awaits its futures in each
# thread layout and under valgrind. And trale.rs says what the headers say.

source "$(dirname "$0")/shell.sh"
source "$(dirname "$0")/installed.sh"

# The system's and the one in $PATH.
mapfile -t compilers < <(for rustc in $(command -v rustc) /usr/bin/rustc; do
    [[ -x $rustc ]] && echo "$rustc"
done | sort -u)
((${#compilers[@]} > 0)) || skip "rustc is not installed"
[[ ${TRALE_SANITIZE:-none} != thread ]] || skip "the thread sanitizer does not see what Rust's library synchronises"

build_program() {
    ${CC:-cc} "${flags[@]}" $(package --cflags) -o "$tmp/count" "$root/tests/stranger/count.c" $(package --libs)
}

wanted='words: 6
no file: No such file or directory
third word: 5
thousandth word: State not recoverable
three at once: 18
a hundred: 600
the pipe: Connection timed out
words: 6'

# works THREADS WRAPPER...: the driver says on stderr that it panicked.
works() {
    write_config "$1" words
    shift
    equal "$("$@" "$tmp/count" "$tmp/text" "$tmp/pipe")" "$wanted"
}

accepts() {
    write_config 1 words
    "$trale" check -c "$tmp/trale.ini" 2>&1 | tee "$tmp/check" && ! grep -iE 'warning|constructor' "$tmp/check"
}

# --- trale.rs and the headers -----------------------------------------------------------------------------------------

# declared: "struct C_NAME RUST_NAME", "member C_NAME.MEMBER RUST_NAME", "constant NAME" of trale.rs.
declared() {
    awk '/^\/\/\/ struct trale_[a-z_]+/ { match($0, /trale_[a-z_]+/); c = substr($0, RSTART, RLENGTH) }
         /^pub struct [A-Za-z]+ \{/ && c { rust = $3; print "struct", c, rust; inside = 1 }
         /^}/ { inside = 0; c = "" }
         inside && /^    pub / { sub(/^    pub (r#)?/, ""); sub(/:.*/, ""); print "member", c "." $0, rust }
         /^pub const [A-Z_]+: [iu][0-9]+ = / { sub(/:/, "", $3); print "constant", $3 }' "$1"
}

# A program that prints sizes, offsets and values, in each language.
in_c() {
    printf '#include <stdio.h>\n#include <trale/driver.h>\n#include <trale/trale.h>\nint main(void)\n{\n'
    declared "$1" | awk '$1 == "struct" { printf "printf(\"%s %%zu\\n\", sizeof(struct %s));\n", $2, $2 }
        $1 == "member" { split($2, part, ".")
            printf "printf(\"%s %%zu %%zu\\n\", offsetof(struct %s, %s), sizeof(((struct %s *)0)->%s));\n",
                   $2, part[1], part[2], part[1], part[2] }
        $1 == "constant" && $2 != "PANICKED" {
            printf "printf(\"%s %%lld\\n\", (long long)TRALE_%s);\n", $2, $2 }
        $2 == "PANICKED" { print "printf(\"PANICKED %d\\n\", -ENOTRECOVERABLE);" }'
    printf 'return 0;\n}\n'
}
in_rust() {
    printf '#[allow(dead_code)]\nmod trale { include!(env!("TRALE_RS")); }\n'
    printf 'use std::mem::{size_of, MaybeUninit};\nuse std::ptr::addr_of;\n'
    printf 'fn size<T>(_: *const T) -> usize { size_of::<T>() }\nfn main() {\n'
    declared "$1" | awk '$1 == "struct" { printf "println!(\"%s {}\", size_of::<trale::%s>());\n", $2, $3 }
        $1 == "member" { split($2, part, ".")
            printf "unsafe { let x = MaybeUninit::<trale::%s>::uninit(); let p = x.as_ptr(); let m = addr_of!((*p).r#%s); ",
                   $3, part[2]
            printf "println!(\"%s {} {}\", m as usize - p as usize, size(m)); }\n", $2 }
        $1 == "constant" { printf "println!(\"%s {}\", trale::%s as i64);\n", $2, $2 }'
    printf '}\n'
}

# print_layouts INCLUDE_FOLDER: what the headers there and what trale.rs say.
print_layouts() {
    in_c "$TRALE_RS" >"$tmp/layout.c" && in_rust "$TRALE_RS" >"$tmp/layout.rs" &&
        ${CC:-cc} -w -I"$1" -o "$tmp/layout_c" "$tmp/layout.c" &&
        "$rustc" --edition 2021 -o "$tmp/layout_rust" "$tmp/layout.rs" &&
        "$tmp/layout_c" >"$tmp/layout_c.txt" && "$tmp/layout_rust" >"$tmp/layout_rust.txt" &&
        [[ $(wc -l <"$tmp/layout_c.txt") -gt 100 ]]
}
agrees() {
    print_layouts "$includes" && diff "$tmp/layout_c.txt" "$tmp/layout_rust.txt"
}

# What driver.h and future.h define, and trale.rs does not.
missing() {
    comm -23 <(grep -ohE '^struct trale_[a-z_]+ \{' "$1"/trale/{future,driver}.h | awk '{ print $2 }' | sort) \
        <(declared "$TRALE_RS" | awk '$1 == "struct" { print $2 }' | sort)
    comm -23 <({
        grep -ohE '^#define TRALE_[A-Z_]+ [0-9]' "$1"/trale/{future,driver}.h
        grep -ohE '^#define TRALE_LOG_[A-Z_]+ ' "$1"/trale/trale.h
    } | awk '{ sub(/^TRALE_/, "", $2); print $2 }' | sort) <(declared "$TRALE_RS" | awk '$1 == "constant" { print $2 }' | sort)
}

# sees_change EXPRESSION FILE: after this change in a header, which compiles, they do not agree.
sees_change() {
    rm -rf "$tmp/changed" && cp -r "$includes" "$tmp/changed" && sed -i "$1" "$tmp/changed/trale/$2" &&
        fails cmp -s "$includes/trale/$2" "$tmp/changed/trale/$2" && print_layouts "$tmp/changed" &&
        fails diff "$tmp/layout_c.txt" "$tmp/layout_rust.txt"
}

set_up
export TRALE_RS=$includes/trale/trale.rs
before=timer
printf 'one two three\nfour five six\n' >"$tmp/text"
mkfifo "$tmp/pipe"
ok "the program in C builds" build_program
ok "trale.rs declares what driver.h and future.h define" equal "$(missing "$includes")" ""
for rustc in "${compilers[@]}"; do
    name=$("$rustc" --version | cut -d ' ' -f 1,2)
    RUSTC=$rustc
    compiler_of words.rs
    ok "$name: the driver builds with what is installed alone" build_driver words words.rs
    ok "$name: it has one exported symbol" equal "$(exports words)" trale_driver
    ok "$name: it needs no symbol of trale" equal "$(needs_of_trale words)" ""
    ok "$name: trale check accepts it and warns of nothing" accepts
    for threads in 1 2 0; do
        ok "$name: threads = $threads: the program gets what it awaits, and a panic as an error" works $threads
        ! valgrind_works >/dev/null ||
            ok "$name: threads = $threads: under valgrind too" works $threads \
                valgrind -q --error-exitcode=9 --leak-check=full --errors-for-leak-kinds=definite --fair-sched=yes
    done
    ok "$name: trale.rs and the headers agree" agrees "$includes"
    ok "$name: a member that is added to a struct is seen" sees_change 's/uint32_t turn;/& uint64_t more;/' future.h
    ok "$name: so is one that is wider" sees_change 's/uint32_t turn;/uint64_t turn;/' future.h
    ok "$name: so are two that change places" sees_change \
        's/uint32_t budget;/uint32_t swap;/; s/uint32_t overdraft;/uint32_t budget;/; s/swap;/overdraft;/' future.h
    ok "$name: so is another value" sees_change 's/TRALE_HANGUP 16u/TRALE_HANGUP 64u/' driver.h
done
