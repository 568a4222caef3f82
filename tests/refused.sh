#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Mistakes that do not compile, and calls that compilers warn of when their result is ignored.
#
#     tests/refused.sh SOURCE_ROOT

root=$1
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
failures=0

# compiles COMPILER BODY [TOP]: an async function with this body, behind these declarations.
compiles() {
    cat >"$tmp/async.c" <<CODE
#include <trale/fiber.h>
#include <trale/scope.h>
#include <trale/sync.h>
#include <trale/timer.h>
#include <trale/trale.h>
struct frame {
    struct trale_future future;
    struct trale_sleep first, second, third;
    TRALE_BRANCHES(2) branches, inner;
    struct trale_scope scope;
    struct trale_mutex mutex;
    struct trale_mutex_lock lock;
};
$3
trale_async(frame)
{
    $2
}
extern const struct trale_future_type *start;
const struct trale_future_type *start = &frame_type;
CODE
    "$1" -std=gnu11 -Wall -Wextra -Wshadow -Werror -I "$root/include" -c "$tmp/async.c" -o "$tmp/async.o" >"$tmp/messages" 2>&1
}

# refused CLAIM MESSAGE BODY [TOP]: no compiler takes it, and each says this.
refused() {
    local compiler
    for compiler in "${compilers[@]}"; do
        if ! compiles "$compiler" "$3" "${4:-}" && grep -qE "$2" "$tmp/messages"; then
            echo "ok - $compiler: $1"
        else
            echo "not ok - $compiler: $1"
            sed 's/^/    /' "$tmp/messages"
            failures=$((failures + 1))
        fi
    done
}

# fine CLAIM BODY [TOP]
fine() {
    local compiler
    for compiler in "${compilers[@]}"; do
        if compiles "$compiler" "$2" "${3:-}"; then
            echo "ok - $compiler: $1"
        else
            echo "not ok - $compiler: $1"
            sed 's/^/    /' "$tmp/messages"
            failures=$((failures + 1))
        fi
    done
}

mapfile -t compilers < <(for compiler in gcc clang; do command -v "$compiler" >/dev/null && echo "$compiler"; done)
if ((${#compilers[@]} == 0)); then
    echo "skipped: neither gcc nor clang is installed"
    exit 77
fi

sleep='trale_sleep(&self->first, 1)'
two="$sleep, trale_sleep(&self->second, 1)"
three="$two, trale_sleep(&self->third, 1)"

fine "all that an async function needs is trale_begin()" "trale_begin(); trale_await($sleep); trale_return(0);"
for await in "trale_await($sleep)" "trale_try($sleep)" "trale_await_to(*(int64_t *)cx, $sleep)" 'trale_yield()'; do
    refused "${await%%(*} without trale_begin()" trale_resume_ "$await; trale_return(0);"
done

for make in race race_in_order all; do
    fine "trale_${make}_of takes as many futures as there is room for" \
        "trale_begin(); trale_await(trale_${make}_of(&self->branches, $two)); trale_return(0);"
    refused "trale_${make}_of takes no more futures than there is room for" "as many futures as" \
        "trale_begin(); trale_await(trale_${make}_of(&self->branches, $three)); trale_return(0);"
    refused "trale_${make}_of takes no fewer futures than there is room for" "as many futures as" \
        "trale_begin(); trale_await(trale_${make}_of(&self->branches, $sleep)); trale_return(0);"
done

fine "a race in a race" \
    "trale_begin(); trale_await(trale_race_of(&self->branches, trale_race_of(&self->inner, $two),
     trale_sleep(&self->third, 1))); trale_return(0);"

refused "a frame whose first member is no future" "first member" "trale_begin(); trale_return(0);" \
    'struct late { int n; struct trale_future future; }; trale_async(late) { trale_begin(); trale_return(0); }'
long=$(printf '%0120d' 0)
refused "a name of trale_sometimes that is longer than a report has room for" "more than 119 bytes" \
    "trale_begin(); trale_sometimes(\"$long\"); trale_return(0);" '#include <trale/sim.h>'
fine "one as long as can be" "trale_begin(); trale_sometimes(\"${long:1}\"); trale_return(0);" '#include <trale/sim.h>'
refused "an unknown member in a spawn" "no member|does not refer" \
    "trale_begin(); trale_detach(trale_spawn(cx->runtime, frame, .nothing = 1)); trale_return(0);"

# A future that is made and not awaited does nothing.
for ignored in "$sleep" "trale_race_of(&self->branches, $two)" "trale_all_of(&self->branches, $two)" \
    'trale_mutex_lock(&self->lock, &self->mutex)' 'trale_scope(&self->scope, NULL)' \
    'trale_spawn(cx->runtime, frame)' 'trale_call(frame, self)' 'trale_open(NULL, NULL)' 'trale_global(NULL)' \
    'trale_join_future(NULL, NULL)'; do
    refused "${ignored%%(*} whose result is ignored" "unused" "trale_begin(); $ignored; trale_return(0);"
done
exit $((failures > 0))
