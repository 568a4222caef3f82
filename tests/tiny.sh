#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# core/tiny.c prints what README.md promises of its program, and takes one second for two sleeps.
#
#     tests/tiny.sh TINY

start=${EPOCHREALTIME/[.,]/}
output=$("$1")
status=$?
elapsed_us=$((${EPOCHREALTIME/[.,]/} - start))

expect() {
    local claim=$1
    shift
    if "$@"; then echo "ok - $claim"; else echo "not ok - $claim" && failed=1; fi
}
failed=0
expect "tiny says hello twice" test "$output" = $'Hello from task 1!\nHello from task 2!'
expect "tiny exits with 0" test "$status" -eq 0
expect "tiny sleeps for a second" test "$elapsed_us" -ge 1000000
exit $failed
