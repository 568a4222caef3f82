#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# The compiler warns about a local variable that is used across an await; the right way gives no warning.

source_root=$1
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
failures=0

# warns BODY: compiles an async function with that body, and succeeds if the compiler finds an uninitialized variable.
warns() {
    cat >"$tmp/async.c" <<CODE
#include <trale/timer.h>
int measure(void);
void use(int value);
struct frame { struct trale_future future; struct trale_sleep sleep; int n; };
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
    local flags=(-std=gnu11 -O2 -Wall -Wextra -I "$source_root/include")
    ! ${CC:-cc} --version | grep -q clang || flags+=(-Wconditional-uninitialized)
    ${CC:-cc} "${flags[@]}" -c "$tmp/async.c" -o "$tmp/async.o" 2>"$tmp/messages" || { cat "$tmp/messages"; return 2; }
    grep -q 'uninitialized' "$tmp/messages"
}

claim() {
    local claim=$1 wanted=$2 status=0
    warns "$3" || status=$?
    if ((status == wanted)); then
        echo "ok - $claim"
    else
        echo "not ok - $claim"
        cat "$tmp/messages"
        failures=$((failures + 1))
    fi
}

await='trale_await(trale_sleep(&self->sleep, 1));'
claim "a local used after an await is seen" 0 "int n = measure(); $await use(n);"
claim "a loop variable that spans an await is seen" 0 "for (int i = 0; i < 3; i++) $await"
claim "a local used after an await in a branch is seen" 0 "int n = measure(); if (self->n) { $await use(n); }"
claim "a local between two awaits is fine" 1 "$await int n = measure(); use(n); $await"
claim "a variable in the frame is fine" 1 "self->n = measure(); $await use(self->n);"
claim "awaits in nested switches and loops are fine" 1 \
    "for (self->n = 0; self->n < 3; self->n++) switch (self->n) { case 1: $await break; default: trale_yield(); }"
exit $((failures > 0))
