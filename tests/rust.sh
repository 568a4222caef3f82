#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# A driver in Rust: it is built with what trale installs, by each rustc, and a program in C awaits its futures in each
# thread layout and under valgrind. And trale.rs says what the headers say, and keeps its promises (stranger/wakers.rs).

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
words: 6
closing within 10 ms: Connection timed out
closing: 0'

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

# The checks find nothing: what comes to stderr is the panic, and that the runtime was not closed in time.
works_with_checks() {
    write_config "$1" words && sed -i 's/^\[runtime\]/&\nchecks = yes/' "$tmp/trale.ini" &&
        equal "$("$tmp/count" "$tmp/text" "$tmp/pipe" 2>"$tmp/said")" "$wanted" && grep -q 'panicked at' "$tmp/said" &&
        ! grep -E '^(trale|timer|words): ' "$tmp/said" | grep -vE 'not closed in time|still reading a file'
}

# keeps_promises WRAPPER...
keeps_promises() {
    "$rustc" --edition 2021 -D warnings -g -o "$tmp/wakers" "$root/tests/stranger/wakers.rs" && "$@" "$tmp/wakers"
}

has_edition() {
    "$rustc" --edition "$1" --crate-type lib -o "$tmp/empty.rlib" - <<<'' 2>/dev/null
}
compiles_in_edition() {
    "$rustc" --edition "$1" --crate-type lib -D warnings -o "$tmp/alone.rlib" - <<<'include!(env!("TRALE_RS"));'
}

# With threads = 0 a future is polled on one thread, and then on another.
refuses_a_future_of_one_thread() {
    local own_thread='#[allow(dead_code)] mod trale { include!(env!("TRALE_RS")); }
        pub fn begin(shared: std::rc::Rc<i64>) -> trale::Boxed { Box::pin(async move { *shared }) }'
    "$rustc" --edition 2021 --crate-type lib -o "$tmp/own_thread.rlib" - <<<"${own_thread/std::rc::Rc/std::sync::Arc}" &&
        fails "$rustc" --edition 2021 --crate-type lib -o "$tmp/own_thread.rlib" - <<<"$own_thread" 2>"$tmp/refusal" &&
        grep 'cannot be sent between threads' "$tmp/refusal"
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

# c_types: "C_NAME.MEMBER C_TYPE" for each member of trale.rs, by its type in Rust.
c_types() {
    awk 'function simple(t) {
             return t in c_name ? c_name[t] : t
         }
         function type(t,    arguments, result, n, i, part) {
             if (sub(/^Option</, "", t)) sub(/>$/, "", t)
             if (sub(/^\*const \*/, "*", t)) return type(t) " const *"
             if (sub(/^\*const /, "", t)) return "const " simple(t) " *"
             if (sub(/^\*mut /, "", t)) return type(t) " *"
             if (!sub(/^unsafe extern "C" fn\(/, "", t)) return simple(t)
             result = t ~ /\) -> / ? t : "c_void"
             sub(/.*\) -> /, "", result); sub(/\).*/, "", t)
             n = split(t, part, ", ")
             for (i = 1; i <= n; i++) arguments = arguments (i > 1 ? ", " : "") type(part[i])
             return type(result) " (*)(" arguments ")"
         }
         BEGIN { for (i = 8; i <= 64; i *= 2) { c_name["u" i] = "uint" i "_t"; c_name["i" i] = "int" i "_t" }
                 c_name["c_void"] = "void"; c_name["c_char"] = "char"; c_name["Runtime"] = "struct trale"
                 c_name["Observer"] = "struct trale_observer"; c_name["Inspector"] = "struct trale_inspector"
                 c_name["Thread"] = "pthread_t"; c_name["ThreadFunction"] = "__typeof__(void *(*)(void *))" }
         FNR == NR { if ($1 == "struct") c_name[$3] = "struct " $2; next }
         /:$/ { getline more; sub(/^ */, " ", more); $0 = $0 more }
         /^\/\/\/ struct trale_[a-z_]+/ { match($0, /trale_[a-z_]+/); c = substr($0, RSTART, RLENGTH) }
         /^pub struct [A-Za-z]+ \{/ && c { inside = 1 }
         /^}/ { inside = 0; c = "" }
         inside && /^    pub / { sub(/^    pub (r#)?/, ""); sub(/,$/, "")
             name = $0; sub(/:.*/, "", name); sub(/^[a-z_]*: /, ""); print c "." name, type($0) }' <(declared "$1") "$1"
}

# A program that prints sizes, offsets and values, in each language; in C also whether the members have the types that
# those of trale.rs are.
in_c() {
    printf '#include <stdio.h>\n#include <trale/driver.h>\n#include <trale/trale.h>\nint main(void)\n{\n'
    declared "$1" | awk '$1 == "struct" { printf "printf(\"%s %%zu\\n\", sizeof(struct %s));\n", $2, $2 }
        $1 == "member" { split($2, part, ".")
            printf "printf(\"%s %%zu %%zu\\n\", offsetof(struct %s, %s), sizeof(((struct %s *)0)->%s));\n",
                   $2, part[1], part[2], part[1], part[2] }
        $1 == "constant" && $2 != "PANICKED" {
            printf "printf(\"%s %%lld\\n\", (long long)TRALE_%s);\n", $2, $2 }
        $2 == "PANICKED" { print "printf(\"PANICKED %d\\n\", -ENOTRECOVERABLE);" }'
    c_types "$1" | awk '{ split($1, part, "."); type = $0; sub(/^[^ ]* /, "", type)
        printf "printf(\"type %s %%d\\n\", __builtin_types_compatible_p(__typeof__(((struct %s *)0)->%s), %s));\n",
               $1, part[1], part[2], type }'
    printf 'printf("thread %%zu\\n", sizeof(pthread_t));\nreturn 0;\n}\n'
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
    declared "$1" | awk '$1 == "member" { printf "println!(\"type %s 1\");\n", $2 }'
    printf 'println!("thread {}", size_of::<trale::Thread>());\n}\n'
}

# print_layouts INCLUDE_FOLDER: what the headers there and what trale.rs say.
print_layouts() {
    in_c "$TRALE_RS" >"$tmp/layout.c" && in_rust "$TRALE_RS" >"$tmp/layout.rs" &&
        ${CC:-cc} -w -I"$1" -o "$tmp/layout_c" "$tmp/layout.c" &&
        "$rustc" --edition 2021 -o "$tmp/layout_rust" "$tmp/layout.rs" &&
        "$tmp/layout_c" >"$tmp/layout_c.txt" && "$tmp/layout_rust" >"$tmp/layout_rust.txt" &&
        [[ $(wc -l <"$tmp/layout_c.txt") -gt 200 ]]
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
        ok "$name: threads = $threads: the checks find nothing" works_with_checks $threads
    done
    ok "$name: panics, results and wakers are what trale.rs says" keeps_promises
    for edition in 2018 2021 2024; do
        ! has_edition $edition || ok "$name: trale.rs compiles in the edition $edition" compiles_in_edition $edition
    done
    ok "$name: a future that must stay on its thread does not compile" refuses_a_future_of_one_thread
    ok "$name: trale.rs and the headers agree" agrees "$includes"
    ok "$name: a member that is added to a struct is seen" sees_change 's/uint32_t turn;/& uint64_t more;/' future.h
    ok "$name: so is one that is wider" sees_change 's/uint32_t turn;/uint64_t turn;/' future.h
    ok "$name: so are two that change places" sees_change \
        's/uint32_t budget;/uint32_t swap;/; s/uint32_t overdraft;/uint32_t budget;/; s/swap;/overdraft;/' future.h
    ok "$name: so is another value" sees_change 's/TRALE_HANGUP 16u/TRALE_HANGUP 64u/' driver.h
    ok "$name: and a member whose sign changes" sees_change 's/    int32_t fd;/    uint32_t fd;/' driver.h
    ok "$name: and an argument more" sees_change 's/(\*is_idle)(void \*context)/(*is_idle)(void *context, int n)/' driver.h
    ok "$name: and a result of another type" sees_change 's/uint64_t (\*n_looks)/int64_t (*n_looks)/' driver.h
done
