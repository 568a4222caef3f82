#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# The differences between a simulation and the real drivers that docs/simulation.md lists are the reasons why tests do
# not run in a simulation, and the rules of Linux that tests/test_sim_linux.c avoids: all of them, and no others.

cd "$1" || exit 1
failures=0

ok() {
    local claim=$1 found
    shift
    if found=$("$@"); then
        echo "ok - $claim"
    else
        printf 'not ok - %s\n%s\n' "$claim" "$found"
        failures=1
    fi
}

# The reasons in the tests. clang-format may put one on a line of its own.
reasons() {
    cat tests/test_*.c | tr '\n' ' ' | grep -oE '(TEST_REAL_ONLY|NOT_AS_LINUX)\( *"[^"]*"' | sed -E 's/^[^"]*"//; s/"$//' | sort -u
}

listed() {
    sed -n '/^## Where the simulation differs/,/^## /p' docs/simulation.md |
        awk -F ' *[|] *' '/^\|/ && $2 !~ /^(-+|the difference)$/ { print $2 }' | sort -u
}

has_reasons() {
    (($(reasons | wc -l) > 3))
}

same() {
    diff <(listed) <(reasons)
}

ok "tests say why they do not run in a simulation" has_reasons
ok "docs/simulation.md lists these reasons and no others (<: only listed, >: only in tests)" same
exit $failures
