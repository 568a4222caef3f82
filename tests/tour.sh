#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# The tour through the core (core/README.md and the README.md of each room) names lines of code, as in
#
#     [executor/executor.c:77](executor/executor.c#L77) `executor_poll`
#
# A name in the code span is a function or macro that is defined on that line; any other code is on that line and on no
# other line of the file. This test fails when a number is wrong; --update writes the right numbers into the files.
#
#     tests/tour.sh [--update] SOURCE_ROOT

update=false
if [[ $1 == --update ]]; then
    update=true
    shift
fi
cd "${1:-.}" || exit 1
entry='\[([A-Za-z0-9_./-]+):([0-9]+)\]\(([A-Za-z0-9_./-]+)#L([0-9]+)\) `([^`]+)`'
failures=0

# locate FILE CODE: the number of the line, or a message and status 1.
locate() {
    local lines
    if [[ $2 =~ ^[a-z0-9_]+$ ]]; then
        lines=$(grep -nE "^(#define |[A-Za-z].*[ *])$2\(" "$1" | grep -v ';$')
    else
        lines=$(grep -nF -- "$2" "$1")
    fi
    if [[ -z $lines || $lines == *$'\n'* ]]; then
        echo "$1: $([[ -n $lines ]] && echo "more than one line has" || echo "no line has") '$2'" >&2
        return 1
    fi
    echo "${lines%%:*}"
}

# rewrite FILE: the file with the right numbers.
rewrite() {
    local line head match label target code number status=0
    while IFS= read -r line; do
        head=
        while [[ $line =~ $entry ]]; do
            match=${BASH_REMATCH[0]} label=${BASH_REMATCH[1]} number=${BASH_REMATCH[2]}
            target=${BASH_REMATCH[3]} code=${BASH_REMATCH[5]}
            number=$(locate "$(dirname "$1")/$target" "$code") || status=1
            head+=${line%%"$match"*}"[$label:$number]($target#L$number) \`$code\`"
            line=${line#*"$match"}
        done
        printf '%s\n' "$head$line"
    done <"$1"
    return $status
}

for file in core/README.md core/*/README.md; do
    rewritten=$(rewrite "$file") || failures=$((failures + 1))
    if $update; then
        ((failures > 0)) || [[ $rewritten == "$(<"$file")" ]] || printf '%s\n' "$rewritten" >"$file"
    elif [[ $rewritten == "$(<"$file")" ]]; then
        echo "ok - $file names the right lines"
    else
        echo "not ok - $file names the right lines (tests/tour.sh --update . corrects the numbers)"
        diff <(echo "$rewritten") "$file"
        failures=$((failures + 1))
    fi
done
n_entries=$(grep -oE '#L[0-9]+\) `' core/README.md | wc -l)
((n_entries >= 40)) || { echo "not ok - the tour names lines: found $n_entries" && failures=1; }
exit $((failures > 0))
