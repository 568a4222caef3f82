#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Locals that do not survive an await: what gcc, clang and trale-locals say of each kind (the table in trale/async.h),
# that right code gives no warning, and that trale-locals finds nothing in the sources.
#
#     tests/locals.sh SOURCE_ROOT

root=$1
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
failures=0
await='trale_await(trale_sleep(&self->sleep, 1));'

# Writes an async function with this body.
write_async() {
    cat >"$tmp/async.c" <<CODE
#include <trale/timer.h>
#include <trale/trale.h>
struct pair { int a, b; };
int measure(void);
void use(int value);
void look(const void *object);
void fill(void *object);
void undo(int *value);
struct frame { struct trale_future future; struct trale_sleep sleep; int n; void *kept; };
trale_async(frame)
{
    trale_begin();
    $1
    trale_return(0);
}
int64_t start(struct frame *frame, struct trale_context *context);
int64_t start(struct frame *frame, struct trale_context *context)
{
    return trale_future_poll(trale_call(frame, frame), context);
}
CODE
}

# What each of them says of async.c: "seen", "silent" or "error".
compiler_says() {
    if ! "$@" -std=gnu11 -Wall -Wextra -I "$root/include" -c "$tmp/async.c" -o "$tmp/async.o" >"$tmp/messages" 2>&1; then
        echo error
    elif grep -q uninitialized "$tmp/messages"; then
        echo seen
    else
        echo silent
    fi
}
gcc_says() {
    compiler_says gcc -O1
}
clang_says() {
    compiler_says clang -O0 -Wconditional-uninitialized
}
checker_says() {
    CC=$compiler "$root/core/command/trale-locals" -I "$root/include" "$tmp/async.c" >"$tmp/messages" 2>&1
    case $? in
    0) echo silent ;;
    1) echo seen ;;
    *) echo error ;;
    esac
}

has() {
    command -v "$1" >/dev/null && "$1" --version | grep -q "$2"
}
has gcc 'Free Software' && gcc=gcc
has clang clang && clang=clang
compiler=${gcc:-${clang:-}}
if [[ -z $compiler ]]; then
    echo "skipped: neither gcc nor clang is installed"
    exit 77
fi
# What these do not see, others may.
[[ -n ${gcc:-} && $(gcc -dumpversion) == 12* ]] && gcc_is_known=1
[[ -n ${clang:-} && $(clang -dumpversion) == 14* ]] && clang_is_known=1

# claim KIND WHO WANTED: what one of them says of async.c.
claim() {
    local said
    said=$("$2_says")
    if [[ $said == "$3" ]]; then
        echo "ok - $1: $2: $3"
    elif local known=$2_is_known && [[ $3 == silent && $2 != checker && -z ${!known:-} ]]; then
        echo "ok - $1: $2: $said, better than async.h says"
    else
        echo "not ok - $1: $2: wanted $3, found $said"
        sed 's/^/    /' "$tmp/messages"
        failures=$((failures + 1))
    fi
}

# kind NAME GCC CLANG CHECKER BODY
kind() {
    write_async "$5"
    [[ -z ${gcc:-} ]] || claim "$1" gcc "$2"
    [[ -z ${clang:-} ]] || claim "$1" clang "$3"
    claim "$1" checker "$4"
}

# found NAME BODY: trale-locals finds something, whatever the compilers see.
found() {
    write_async "$2"
    claim "$1" checker seen
}

# fine NAME BODY: none of them has anything to say.
fine() {
    kind "$1" silent silent silent "$2"
}

kind "a number" seen seen seen "int n = measure(); $await use(n);"
kind "a pointer" seen seen seen "int *p = self->kept; $await use(*p);"
kind "a number over trale_try" seen seen seen "int n = measure(); trale_try(trale_sleep(&self->sleep, 1)); use(n);"
kind "a number over trale_yield" seen seen seen "int n = measure(); trale_yield(); use(n);"
kind "a number over an await in a branch" seen seen seen "int n = measure(); if (self->n) { $await } use(n);"
kind "a loop variable" seen seen seen "for (int i = 0; i < 3; i++) $await"
kind "a number that is always one constant" silent seen seen "int n = 3; $await use(n);"
kind "a volatile number" silent seen seen "volatile int n = measure(); $await use(n);"
kind "an array of numbers" seen silent seen "int a[4] = {measure()}; $await use(a[0]);"
kind "an array that a function fills" silent silent seen "char a[40]; fill(a); $await look(a);"
kind "a struct" seen silent seen "struct pair pair = {measure(), 1}; $await use(pair.a);"
kind "a struct that a function reads" silent silent seen "struct pair pair = {1, 2}; $await look(&pair);"
kind "a number whose address is taken before" silent seen seen "int n; fill(&n); n++; $await use(n);"
kind "a number whose address is taken after" silent silent seen "int n = measure(); $await look(&n);"
kind "a number whose address the frame keeps" silent silent seen "int n; self->kept = &n; $await"
kind "a future" silent silent seen "struct trale_sleep sleep; trale_await(trale_sleep(&sleep, 1));"
kind "a future that is made before" silent silent seen \
    "struct trale_sleep sleep; struct trale_future *future = trale_sleep(&sleep, 1); trale_await(future);"
kind "a future in an array" silent silent seen "struct frame f[2]; trale_await(trale_call(frame, &f[1]));"
kind "a compound literal" silent silent seen "trale_await(trale_sleep(&(struct trale_sleep){.slack_ns = 0}, 1));"
kind "an array of variable length" silent error seen "int a[measure()]; fill(a); $await"
kind "a cleanup attribute" silent error seen "int n __attribute__((cleanup(undo))) = measure(); $await"

found "a number along a goto" "int n = measure(); again: if (self->n++ < 3) { use(n); $await goto again; }"
found "a number that is assigned on one path alone" "int n = 1; $await if (self->n && (n = measure()) > 0) { } use(n);"
found "a number that is assigned from itself" "int n = 1; $await n = n + 1; use(n);"
found "a number that is used at the next turn of a loop" "int n = 0; while (n < 3) { if (self->n) $await n++; }"
found "an address that a frame keeps" \
    "int n; trale_detach(trale_spawn(cx->runtime, frame, .kept = &n)); $await"
found "an array that the frame keeps" "char a[8]; self->kept = (void *)a; $await"

fine "a local between two awaits" "$await int n = measure(); use(n); $await"
fine "a local in the expression of an await" "uint64_t n = (uint64_t)measure(); trale_await(trale_sleep(&self->sleep, n));"
fine "a member of the frame" "self->n = measure(); $await use(self->n);"
fine "awaits in nested switches and loops" \
    "for (self->n = 0; self->n < 3; self->n++) switch (self->n) { case 1: $await break; default: trale_yield(); }"
fine "the result of an await" "int64_t r; do trale_await_to(r, trale_sleep(&self->sleep, 1)); while (r > 3);"
fine "a local that is assigned anew" "int n = measure(); use(n); $await n = measure(); use(n);"
fine "a local in another branch than the await" "int n = measure(); if (self->n) { $await } else use(n);"
fine "a local in another case than the await" \
    "int n = measure(); switch (self->n) { case 1: $await break; case 2: use(n); }"
fine "a static local" "static int n; n = measure(); $await use(n);"
fine "a local whose size alone is used" "char a[8]; fill(a); $await use(sizeof a);"
fine "an array that is over before the await" "{ int a[measure()]; fill(a); } $await"
kind "a declaration that is marked" silent silent silent "char a[8]; /* trale-locals: fine */
    fill(a); $await look(a);"

# Code before trale_begin() runs at every poll.
sed -i 's/^    trale_begin();/    int *p = self->kept; trale_begin();/' "$tmp/async.c"
sed -i 's/look(a)/use(*p)/' "$tmp/async.c"
claim "a pointer that is set before trale_begin()" checker silent

# The sources themselves.
cd "$root" || exit 1
mapfile -t sources < <(grep -lE '^trale_async' -r core examples tests --include='*.c')
if CC=$compiler core/command/trale-locals -D_GNU_SOURCE -I. -Iinclude "${sources[@]}" >"$tmp/messages" 2>&1; then
    echo "ok - trale-locals finds nothing in ${#sources[@]} sources"
else
    echo "not ok - trale-locals finds nothing in ${#sources[@]} sources"
    sed 's/^/    /' "$tmp/messages"
    failures=$((failures + 1))
fi
exit $((failures > 0))
