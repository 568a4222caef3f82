#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# The C sources are formatted as .clang-format says. Other versions of clang-format than 14 format differently, so the
# test is skipped where that one is not installed.
#
#     tests/format.sh SOURCE_ROOT

cd "$1" || exit 1
for format in clang-format-14 clang-format; do
    [[ $("$format" --version 2>/dev/null) == *"version 14."* ]] && break
    format=
done
if [[ -z $format ]]; then
    echo "skipped: clang-format 14 is not installed"
    exit 77
fi
if find core drivers include examples tests '(' -name '*.[ch]' -o -name '*.cpp' ')' -print0 | xargs -0 "$format" --dry-run -Werror; then
    echo "ok - the C sources are formatted"
else
    echo "not ok - the C sources are formatted (clang-format -i FILE formats one)"
    exit 1
fi
