#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# The code in drivers/README.md is in the drivers that it explains. A line <!-- FILE... --> before a block names where:
# each line of the block is there, in this order, where comments, blanks and how lines are broken do not count; `...`
# stands for what is left out. `nowhere: REASON` names none.
#
#     tests/tutorial.sh SOURCE_ROOT

cd "$1" || exit 1
command -v python3 >/dev/null || { echo "skipped: python3 is not installed" && exit 77; }
python3 - drivers/README.md <<'PYTHON'
import re, sys

def plain(text):
    text = re.sub(r"/\*.*?\*/", " ", text, flags=re.S)
    text = re.sub(r"(?m)(^|\s)//.*$", " ", text)
    return re.sub(r"\s+", "", text)

failures = 0
readme = open(sys.argv[1], encoding="utf-8").read()
blocks = re.findall(r"(?:<!-- ([^>]*?) -->\n)?```(c|cpp|rust)\n(.*?)```", readme, flags=re.S)
for files, language, block in blocks:
    first = block.strip().splitlines()[0]
    if not files:
        print("not ok - the block that begins with `%s` names its file" % first)
        failures += 1
        continue
    if files.startswith("nowhere: "):
        continue
    source = plain("\n".join(open(name, encoding="utf-8").read() for name in files.split()))
    at, missing = 0, None
    for line in re.sub(r"/\*.*?\*/", " ", block, flags=re.S).splitlines():
        wanted = plain(line).replace("...", "")
        found = source.find(wanted, at)
        if found < 0:
            missing = line
            break
        at = found + len(wanted)
    failures += missing is not None
    print("%s - the block that begins with `%s` is in %s" % ("ok" if missing is None else "not ok", first, files))
    if missing is not None:
        print("    not there, or not in this order: " + missing)
if len(blocks) < 8:
    print("not ok - blocks of code were found")
    failures += 1
sys.exit(failures > 0)
PYTHON
