#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Every relative link in a *.md file leads to a file or folder.
#
#     tests/links.sh SOURCE_ROOT

cd "$1" || exit 1
failures=0

# links FILE: the targets of its links, without code blocks and code spans.
links() {
    awk '/^ *```/ { code = !code; next } !code { gsub(/`[^`]*`/, ""); print }' "$1" |
        grep -oE '\]\([^)]+\)' | sed -E 's/^\]\(//; s/\)$//; s/#.*//'
}

while IFS= read -r file; do
    broken=
    while IFS= read -r link; do
        [[ -z $link || $link =~ ^[a-z]+: || -e $(dirname "$file")/$link ]] || broken+=" $link"
    done < <(links "$file")
    if [[ -z $broken ]]; then
        echo "ok - the links of $file lead to files"
    else
        echo "not ok - the links of $file lead to files; these do not:$broken"
        failures=$((failures + 1))
    fi
done < <(find . -name '.?*' -prune -o -path './build*' -prune -o -name '*.md' -print | sed 's,^\./,,' | sort)
exit $((failures > 0))
