#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# The `trale` command: what it reports about good and bad configurations, and about drivers that misbehave.

source "$(dirname "$0")/shell.sh"
trale=$build/trale
export TRALE_DRIVERS=$build/drivers HOME=$tmp/home
unset TRALE_CONFIG TRALE_SIMULATION XDG_CONFIG_HOME NO_COLOR
mkdir -p "$HOME"
cp "$build/drivers/timer.so" "$build/drivers/udp.so" "$tmp/"
chmod 755 "$tmp"/*.so

# ini LINE...: writes $tmp/t.ini.
ini() {
    printf '%s\n' "$@" >"$tmp/t.ini"
}

# says STATUS TEXT: `trale check` of t.ini exits with that status and prints the text, on one line of either output.
says() {
    local status=0 found
    found=$("$trale" check -c "$tmp/t.ini" 2>&1) || status=$?
    ((status == $1)) && grep -qF -- "$2" <<<"$found" || { printf 'status %d\n%s\n' "$status" "$found"; return 1; }
}

# refused CLAIM TEXT LINE...
refused() {
    local claim=$1 text=$2
    shift 2
    ini "$@"
    ok "$claim" says 1 "$text"
}

ok "the shipped trale.ini is right" "$trale" check -c "$root/config/trale.ini"
ini '[runtime]' 'drivers = timer' 'threads = 2' '[driver:timer]' "path = $tmp/timer.so"
ok "a setting is shown with its line" says 0 '[runtime]       threads         2'
ok "a default is shown as a default" says 0 'monotonic'
ok "a driver's file is shown" says 0 "$tmp/timer.so"
ok "where bare names are looked up is shown with its source" says 0 '$TRALE_DRIVERS'

refused "a key that is nearly known" "t.ini:5: [driver:udp] recieve_buffer: no such key; did you mean receive_buffer?" \
    '[runtime]' 'drivers = udp' '[driver:udp]' 'path = udp.so' 'recieve_buffer = 4K'
refused "a key that is not known" "t.ini:5: [driver:udp] colour: no such key; allowed are path, over, receive_buffer, send_buffer" \
    '[runtime]' 'drivers = udp' '[driver:udp]' 'path = udp.so' 'colour = red'
refused "a value of the wrong kind" "t.ini:2: [runtime] threads = many: not an integer; allowed: 0 to 2" \
    '[runtime]' 'threads = many'
refused "a value out of range" "t.ini:2: [runtime] threads = 3: out of range; allowed: 0 to 2" '[runtime]' 'threads = 3'
refused "an unknown choice" "clock = lunar: not one of monotonic, boottime or realtime" \
    '[runtime]' 'drivers = timer' '[driver:timer]' 'path = timer.so' 'clock = lunar'
refused "a driver without a section" "t.ini:2: [runtime] drivers: upd: there is no section [driver:upd]" \
    '[runtime]' 'drivers = upd' '[driver:udp]' 'path = udp.so'
refused "a driver that is not there" "t.ini:4: [driver:x] $TRALE_DRIVERS/x.so: No such file or directory; \$TRALE_DRIVERS, or drivers_folder in [runtime]," \
    '[runtime]' 'drivers = x' '[driver:x]' 'path = x.so'
refused "a key given twice" "t.ini:3: [runtime] threads: given twice, first in line 2" '[runtime]' 'threads = 1' 'threads = 1'
refused "a file that is no driver" "t.ini:4: [driver:x] $tmp/t.ini is no driver: it is not an ELF file" \
    '[runtime]' 'drivers = x' '[driver:x]' "path = $tmp/t.ini" '; padding, for a file shorter than an ELF header is said to be too short'
refused "a folder for a driver" "$tmp is a folder" '[runtime]' 'drivers = x' '[driver:x]' "path = $tmp"
cp "$tmp/timer.so" "$tmp/open.so"
chmod 666 "$tmp/open.so"
refused "a driver that others may write" "$tmp/open.so is writable by others (mode 0666)" \
    '[runtime]' 'drivers = x' '[driver:x]' "path = $tmp/open.so"
head -c 9000 "$tmp/timer.so" >"$tmp/cut.so"
refused "a driver that is cut off" "$tmp/cut.so is no driver: it is cut off" \
    '[runtime]' 'drivers = x' '[driver:x]' "path = $tmp/cut.so"
mkfifo "$tmp/fifo.so"
refused "a FIFO for a driver" "$tmp/fifo.so is not a regular file" \
    '[runtime]' 'drivers = x' '[driver:x]' "path = $tmp/fifo.so"
chmod 666 "$tmp/t.ini"
ok "a trale.ini that others may write" says 1 "$tmp/t.ini is writable by others"
chmod 644 "$tmp/t.ini"

ini '[runtime]' 'drivers =' '[application:echo]' 'clients = 7' '[application:other]'
ok "a program's section is shown" says 0 '[application:echo]  clients         7'
ok "and that its keys are the program's to check" says 0 'the program echo checks the keys of [application:echo]'
ok "also of a section without keys" says 0 'the program other checks the keys of [application:other]'

ini '[runtime]' 'threads = 7' 'drivers = timer' '[driver:timer]' 'path = timer.so' 'clok = x' '[other]'
ok "all mistakes are reported at once (1)" says 1 "t.ini:2: [runtime] threads = 7"
ok "all mistakes are reported at once (2)" says 1 "did you mean clock?"
ok "all mistakes are reported at once (3)" says 1 "t.ini:7: [other]: no such section"
ok "and counted" says 1 "3 errors"

# ordered: the lines that errors name, in the order of the errors.
ordered() {
    equal "$("$trale" check "$tmp/t.ini" 2>&1 | sed -nE 's/^error: [^:]*:([0-9]+): .*/\1/p' | paste -sd ' ')" "$1"
}
ini '[runtime]' 'threads = 7' 'drivers = timer, y' '[driver:timer]' 'clok = x' 'path = timer.so' 'clock = x' '[other]'
ok "errors come in the order of lines" ordered "2 3 5 7 8"

refused "a unit with a wrong capital" \
    "t.ini:2: [runtime] fiber_stack = 64k: not a size: capitals and small letters differ, write 64K; allowed: a size" \
    '[runtime]' 'fiber_stack = 64k' 'drivers ='
refused "a blank in front of a unit" \
    "t.ini:2: [runtime] watchdog = 1 ms: not a duration: it has a blank inside, write 1ms; allowed: a duration" \
    '[runtime]' 'watchdog = 1 ms'
refused "a boolean with a capital" \
    "t.ini:2: [runtime] poll_times = Yes: not a boolean: capitals and small letters differ, write yes; allowed: yes, no" \
    '[runtime]' 'poll_times = Yes'
refused "a section that is nearly known" "t.ini:1: [runtme]: no such section; did you mean [runtime]?" '[runtme]'
refused "a driver's section without driver:" "t.ini:3: [timer]: no such section; did you mean [driver:timer]?" \
    '[runtime]' 'drivers = timer' '[timer]' 'path = timer.so'
refused "a driver whose name is nearly known" "there is no section [driver:tmier]; did you mean timer?" \
    '[runtime]' 'drivers = tmier' '[driver:timer]' 'path = timer.so'
ini '[runtime]' 'drivers = timer' '[driver:timer]' \
    "path = $(printf '%*s' 3000 '' | tr ' ' /)$tmp/timer.so ; $(printf '%2000s')"
ok "a path of thousands of bytes fits" says 0 "timer   valid"

warned() {
    says 0 "$1" && says 0 "0 errors, 1 warning" && ! says 0 "all is well"
}
: >"$tmp/t.ini"
ok "an empty file is a warning" warned "warning: $tmp/t.ini: [runtime] drivers: missing, so no driver is loaded"
ini '[runtime]' 'drivers ='
ok "so is one that names no driver" warned "warning: $tmp/t.ini:2: [runtime] drivers: no driver is named"

# used TEXT: `trale check` reports that this configuration is used.
used() {
    local found
    found=$("$trale" check 2>&1)
    grep -qF "configuration: $1" <<<"$found" || { echo "$found"; return 1; }
}
mkdir -p "$HOME/.config/trale" "$tmp/xdg/trale"
cp "$root/config/trale.ini" "$HOME/.config/trale/trale.ini"
ok "the user's file is found" used "$HOME/.config/trale/trale.ini (the user's)"
cp "$root/config/trale.ini" "$tmp/xdg/trale/trale.ini"
export XDG_CONFIG_HOME=$tmp/xdg
ok "XDG_CONFIG_HOME goes before HOME" used "$tmp/xdg/trale/trale.ini (the user's)"
cp "$root/config/trale.ini" "$tmp/named.ini"
export TRALE_CONFIG=$tmp/named.ini
ok "TRALE_CONFIG goes before both" used "$tmp/named.ini (named by \$TRALE_CONFIG)"
export TRALE_CONFIG=$tmp/absent.ini
ok "a file that TRALE_CONFIG names must be there" fails "$trale" check
ok "-c goes before all" bash -c "'$trale' check -c '$tmp/named.ini' | grep -F '(named by the command line)'"
export TRALE_SIMULATION=$tmp/named.ini
ok "TRALE_SIMULATION goes before TRALE_CONFIG" used "$tmp/named.ini (named by \$TRALE_SIMULATION, in place of any other)"
ok "but not before -c" bash -c "'$trale' check -c '$tmp/named.ini' | grep -F '(named by the command line)'"
unset TRALE_CONFIG TRALE_SIMULATION
export XDG_CONFIG_HOME=$tmp/nothing
ok "without a file there is the built-in one" bash -c "'$trale' check | grep -E '(built in|the system.s)'"

export XDG_CONFIG_HOME=$tmp/dangling
mkdir -p "$tmp/dangling/trale"
ln -s nowhere.ini "$tmp/dangling/trale/trale.ini"
ok "a link to nothing is a warning" \
    bash -c "'$trale' check 2>&1 | grep -F 'a symbolic link to nowhere.ini, which does not exist'"
export XDG_CONFIG_HOME=$tmp/xdg
ok "check says that setuid programs ignore the environment" bash -c \
    "'$trale' check 2>&1 | grep -F 'ignores the environment: it does not use $tmp/xdg/trale/trale.ini and \$TRALE_DRIVERS'"
ok "drivers does not" bash -c "! '$trale' drivers 2>&1 | grep -F 'ignores the environment'"
export XDG_CONFIG_HOME=$tmp/nothing

ok "why a file is not used is a note" \
    bash -c "'$trale' check 2>&1 | grep -F 'note: configuration: ' | grep -F '$tmp/nothing/trale/trale.ini: No such file'"

ok "drivers lists what each offers" bash -c "'$trale' drivers -c '$tmp/named.ini' | grep -E '^udp .*trale.udp/1'"
ok "drivers --options lists what each takes" \
    bash -c "'$trale' drivers --options -c '$tmp/named.ini' | grep -E '^timer +clock +choice +monotonic +monotonic, boottime or realtime'"
mkdir "$tmp/folder"
cp "$build/drivers/timer.so" "$build/drivers/record.so" "$build/drivers/trale-guard.so" "$build/tests/drivers/needy.so" "$tmp/folder/"
all() {
    TRALE_DRIVERS=$tmp/folder "$trale" drivers --all "$@" >"$tmp/out" 2>&1
}
ini '[runtime]' 'drivers ='
ok "drivers --all lists what is in the folder, in the order of names" bash -c "$(declare -f all)
    trale='$trale' tmp='$tmp'; all -c '$tmp/t.ini' && [[ \$(awk 'NR > 1 { print \$1 }' '$tmp/out' | paste -sd ' ') == 'needy record timer' ]]"
ok "drivers --all --options lists also keys that must be given" bash -c "$(declare -f all)
    trale='$trale' tmp='$tmp'; all --options -c '$tmp/t.ini' && grep -E '^record +file +.*must be given' '$tmp/out'"
echo 'no driver' >"$tmp/folder/zero.so"
chmod 644 "$tmp/folder/zero.so"
ok "a file there that is no driver is an error" bash -c "$(declare -f all)
    trale='$trale' tmp='$tmp'; ! all && grep -F '[driver:zero] $tmp/folder/zero.so' '$tmp/out' && grep -E '^timer' '$tmp/out'"
needy() {
    ini '[runtime]' "$1" '[driver:probe]' "path = $build/tests/drivers/flaw_none.so" \
        '[driver:needy]' "path = $build/tests/drivers/needy.so"
}
needy 'drivers = probe, needy'
ok "drivers lists what each needs" \
    bash -c "'$trale' drivers '$tmp/t.ini' | grep -E '^needy .*org.example.needy/1 +org.example.probe/1 '"
ok "so does check" \
    bash -c "'$trale' check --start '$tmp/t.ini' | grep -E '^needy +starts .*offers org.example.needy/1, needs org.example.probe/1'"
needy 'drivers = needy, probe'
ok "check says in which order they go" \
    bash -c "! '$trale' check '$tmp/t.ini' >'$tmp/out' 2>&1 && grep -F 'write drivers = probe, needy' '$tmp/out'"
one_thread() {
    ini '[runtime]' 'drivers = one' "$1" '[driver:one]' "path = $build/tests/drivers/flaw_one_thread.so"
}
one_thread 'threads = 0'
ok "check shows what a driver demands" \
    bash -c "'$trale' check --start '$tmp/t.ini' | grep -E '^one +starts .*, demands threads=0 instances=1$'"
one_thread 'threads = 2'
ok "and the line to write if it is not so" \
    bash -c "! '$trale' check '$tmp/t.ini' >'$tmp/out' 2>&1 &&
             grep -F 't.ini:3: [runtime] threads = 2: [driver:one] runs only with 0: write threads = 0' '$tmp/out'"
layer() {
    ini '[runtime]' 'drivers = udp, trace' '[driver:udp]' 'path = udp.so' '[driver:trace]' \
        "path = $build/tests/drivers/trace.so" "$1"
}
layer 'over = udp'
ok "check says what a layer is over" \
    bash -c "'$trale' check --start '$tmp/t.ini' | grep -E '^trace +starts .*, offers org.example.trace/1 trale.udp/1, over udp$'"
ok "drivers lists only what a layer offers over that" \
    bash -c "'$trale' drivers '$tmp/t.ini' | grep -E '^trace .* org.example.trace/1 trale.udp/1  '"
layer 'over = upd'
ok "what a layer over no driver would offer is not shown" \
    bash -c "! '$trale' check '$tmp/t.ini' >'$tmp/out' 2>&1 && grep -E '^trace +refused *$' '$tmp/out' &&
             grep -F 'there is no driver upd' '$tmp/out' && grep -F '1 error' '$tmp/out' && ! grep -F ', over' '$tmp/out'"
refused "a layer over a driver that comes later" \
    "t.ini:6: [driver:trace] over = udp: udp comes later, and a layer comes after what it is over: write drivers = udp, trace" \
    '[runtime]' 'drivers = trace, udp' '[driver:udp]' 'path = udp.so' '[driver:trace]' \
    'over = udp' "path = $build/tests/drivers/trace.so"
layer 'log = no'
ok "check says what a layer can be over" \
    bash -c "! '$trale' check '$tmp/t.ini' >'$tmp/out' 2>&1 && grep -F '[driver:trace] is a layer: write over = udp' '$tmp/out'"
ok "what is piped is plain" bash -c "! '$trale' drivers --options -c '$tmp/named.ini' | grep -q $'\\033'"
if command -v python3 >/dev/null; then
    # json EXPRESSION ARGUMENT...: the expression holds for what the command prints as JSON, as `found`.
    json() {
        { "$trale" "${@:2}" || true; } | python3 -c "import json, sys; found = json.load(sys.stdin); sys.exit(not ($1))"
    }
    ok "check --json is JSON" json 'found["ok"] is True' check --json "$tmp/named.ini"
    ok "drivers --json is JSON" json 'found["ok"] is True' drivers --options --json "$tmp/named.ini"
    ini '[runtime]' 'drivers = timer' 'poll_times = yes' 'watchdog = 1.5ms' 'fiber_stack = 64K' \
        '[driver:timer]' 'path = timer.so'
    row() {
        json "[$2] == [(row['value'], row['text'], row['line'], row['file'])
                       for row in found['settings'] if row['key'] == '$1']" check --json "$tmp/t.ini"
    }
    ok "integers are numbers in JSON" row threads "(1, '1', None, None)"
    ok "sizes are numbers of bytes" row fiber_stack "(65536, '64K', 5, '$tmp/t.ini')"
    ok "durations are numbers of nanoseconds" row watchdog "(1500000, '1.5ms', 4, '$tmp/t.ini')"
    ok "booleans are booleans" row poll_times "(True, 'yes', 3, '$tmp/t.ini')"
    ok "texts are texts" row drivers "('timer', 'timer', 2, '$tmp/t.ini')"
    needy 'drivers = probe, needy'
    ok "needs are an array" json 'found["drivers"][1]["needs"] == ["org.example.probe/1"]' check --json "$tmp/t.ini"
    one_thread 'threads = 0'
    ok "demands are an array" json 'found["drivers"][0]["demands"] == ["threads=0", "instances=1"]' \
        check --json "$tmp/t.ini"
    ini '[runtime]' 'drivers = timer' '[driver:timer]' 'path = timer.so'
    ok "interfaces are an array" \
        json 'found["drivers"][0]["interfaces"] == ["trale.timer/1"] and found["drivers"][0]["abi"] == 2' \
        check --json "$tmp/t.ini"
    ini '[runtime]' $'drivers = "quoted\\", \t\xc3\xa4' 'threads = 9'
    ok "an error has file, line, section and key, whatever the text" \
        json '[(m["level"], m["file"], m["line"], m["section"], m["key"])
               for m in found["messages"] if m["level"] == "error"] ==
              [("error", "'"$tmp"'/t.ini", n, "runtime", k) for n, k in ((2, "drivers"), (2, "drivers"), (3, "threads"))]
              and found["errors"] == 3' check --json "$tmp/t.ini"
    ini '[runtime]' 'drivers = x, a, b' '[driver:x]' 'path = absent.so' '[driver:a]' 'path = timer.so' '[driver:b]' 'path = timer.so'
    ok "so has a driver that does not load, and one that another one clashes with" \
        json '[(m["file"], m["line"], m["section"]) for m in found["messages"] if m["level"] == "error"] ==
              [("'"$tmp"'/t.ini", 4, "driver:x"), ("'"$tmp"'/t.ini", 7, "driver:b")]' check --json "$tmp/t.ini"
fi

for help in --help -h help 'check -h' 'drivers --help'; do
    ok "$help gives help" bash -c "'$trale' $help | grep -q '^usage:'"
done
for version in --version -V 'check -V'; do
    ok "$version gives the version" bash -c "'$trale' $version | grep -q '^trale [0-9]'"
done
usage() {
    local status=0
    "$trale" "$@" >"$tmp/usage" 2>&1 || status=$?
    equal "$status" 2 && grep -q 'trale.*--help' "$tmp/usage"
}
ok "no command is wrong usage" usage
ok "an unknown command is wrong usage" usage chekc
ok "an unknown option is wrong usage" usage check --jsno
ok "an option of another command is wrong usage" usage check --options
ok "-c without a file is wrong usage" usage check -c
ok "two files are wrong usage" usage check "$tmp/t.ini" "$tmp/named.ini"
ok "a file and -c are wrong usage" usage drivers -c "$tmp/t.ini" "$tmp/named.ini"
looks_at() {
    "$trale" check "$@" | grep -F "configuration: $tmp/named.ini (named by the command line)"
}
ok "FILE is the file to look at" looks_at "$tmp/named.ini"
ok "so is -c FILE" looks_at -c "$tmp/named.ini"
ok "so is -cFILE" looks_at "-c$tmp/named.ini"
ok "so is --config=FILE" looks_at --config="$tmp/named.ini"
ok "so is --config FILE" looks_at --config "$tmp/named.ini"
ok "so is a FILE in front of an option" \
    bash -c "'$trale' check '$tmp/named.ini' --json | grep -F '\"configuration\": \"$tmp/named.ini\"'"

# full ARGUMENT...: the command fails if its output cannot be written.
full() {
    fails "$trale" "$@" >/dev/full 2>"$tmp/said" && grep -q "cannot write" "$tmp/said"
}
if [[ -w /dev/full ]]; then
    ok "check on a full device fails" full check "$tmp/named.ini"
    ok "check --json on a full device fails" full check --json "$tmp/named.ini"
    ok "drivers on a full device fails" full drivers "$tmp/named.ini"
    ok "drivers --options --json on a full device fails" full drivers --options --json "$tmp/named.ini"
    ok "--help on a full device fails" full --help
    ok "--version on a full device fails" full --version
    : >"$tmp/t.ini"
    ok "warnings on a full device fail" bash -c "'$trale' check '$tmp/t.ini' >/dev/null 2>/dev/full; ((\$? == 1))"
fi

# plain COMMAND...: its output has no control characters but newlines.
plain() {
    local status=0
    "$@" >"$tmp/said" 2>&1 || status=$?
    ((status <= 1)) && ! LC_ALL=C grep -aq $'[\001-\011\013-\037\177]' "$tmp/said"
}
odd=$tmp/$'odd\033[2J\n.ini'
cp "$tmp/named.ini" "$odd"
ok "a file name cannot steer the terminal" plain "$trale" check "$odd"
ok "nor in JSON" plain "$trale" check --json "$odd"
echo $'\033]0;x' >"$odd"
ok "nor in errors" plain "$trale" check "$odd"

# probe NAME START STOP [TOP]: a driver with these statements in start and stop, and this code before them, loaded behind
# the timer.
probe() {
    cat >"$tmp/$1.c" <<C
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>
#include <trale/driver.h>
${4:-}
static int32_t probe_start(const struct trale_host *host, const struct trale_settings *settings, void **instance)
{
    (void)host, (void)settings, *instance = 0;
    $2
    return 0;
}
static void probe_stop(void *instance) { (void)instance; $3 }
static const struct trale_interface *probe_interface(void *instance, const char *name)
{
    static struct trale_interface table = {sizeof table, 1, 0};
    (void)instance, (void)name;
    return &table;
}
TRALE_DRIVER(.name = "probe", .version = "1\\033[2J", .summary = "\\033c", .interfaces = "org.example.$1/1",
             .start = probe_start, .stop = probe_stop, .interface = probe_interface);
C
    ${CC:-cc} -shared -fPIC -fvisibility=hidden -I"$root/include" -o "$tmp/$1.so" "$tmp/$1.c" || exit 1
    ini '[runtime]' 'drivers = timer, x' '[driver:timer]' 'path = timer.so' '[driver:x]' "path = $tmp/$1.so"
}

# Neither check nor drivers runs code of a driver: its constructor would leave a file behind, and kill the process.
probe loud '' '' "__attribute__((constructor)) static void begin(void)
{
    close(open(\"$tmp/left\", O_CREAT | O_WRONLY, 0600));
    kill(getpid(), SIGKILL);
}"
left_nothing() {
    [[ ! -e $tmp/left ]]
}
ok "a driver with a constructor is named" says 0 \
    "t.ini:6: [driver:x] $tmp/loud.so has 1 constructor or destructor, such as begin, code that runs when the file is"
ok "drivers lists it" bash -c "'$trale' drivers --options '$tmp/t.ini' | grep -E '^x .*org.example.loud/1'"
ok "and the constructor has not run" left_nothing
strip "$tmp/loud.so"
ok "a constructor is counted also where names are stripped" says 0 "loud.so has 1 constructor or destructor, code"

# build_probe NAME FLAG...: the probe, built once more.
build_probe() {
    ${CC:-cc} -shared -fPIC -fvisibility=hidden -I"$root/include" "${@:2}" -o "$tmp/$1.so" "$tmp/$1.c" 2>/dev/null
}
probe measured '' ''
if build_probe measured --coverage; then
    ok "constructors that measure coverage are the compiler's" \
        bash -c "! '$trale' check '$tmp/t.ini' 2>&1 | grep constructor"
fi
if build_probe measured -fuse-ld=lld -Wl,--pack-dyn-relocs=android; then
    ok "relocations that only Android reads are named" says 1 "packed relocations that only Android reads"
fi

# Drivers are started without sanitizers: a sanitized program could not load them otherwise.
if [[ ${TRALE_SANITIZE:-none} == none ]]; then
    if command -v gdb >/dev/null && gdb -q -batch -ex run /bin/true </dev/null 2>&1 | grep -q 'exited normally'; then
        ini '[runtime]' 'drivers = timer' '[driver:timer]' 'path = timer.so'
        ok "gdb opens the driver that the program loads" bash -c "TRALE_CONFIG='$tmp/t.ini' timeout 60 setsid gdb -q -batch \
            -ex run '$build/examples/hello' </dev/null 2>&1 | grep -q 'exited normally'"
    fi
    # starts STATUS TEXT: check --start ends with that status, and says the text.
    starts() {
        local status=0 found
        found=$("$trale" check --start "$tmp/t.ini" 2>&1) || status=$?
        ((status == $1)) && grep -qF -- "$2" <<<"$found" || { printf 'status %d\n%s\n' "$status" "$found"; return 1; }
    }
    if [[ ${CC:-cc} != *clang* ]] && command -v ld.gold >/dev/null; then
        probe gold 'static __thread int number, other; number++, other++;' ''
        ${CC:-cc} -shared -fPIC -fvisibility=hidden -fuse-ld=gold -I"$root/include" -o "$tmp/gold.so" "$tmp/gold.c"
        ok "thread-local variables of a driver that gold linked are right" starts 0 "x       starts"
    fi
    probe loud '' '' '__attribute__((constructor)) static void begin(void) { kill(getpid(), SIGKILL); }'
    ok "a constructor runs when the drivers are started" starts 1 'starting the drivers crashed (Killed)'
    probe well 'write(2, "started", 7);' ''
    ok "check starts nothing" bash -c "'$trale' check '$tmp/t.ini' 2>&1 | tee '$tmp/said'; ! grep -q started '$tmp/said'"
    ok "check --start starts the drivers" starts 0 "started"
    ok "and says so" starts 0 "x       starts"
    probe odd '' ''
    ok "what a driver says of itself cannot steer the terminal" plain "$trale" check --start "$tmp/t.ini"
    ok "nor in drivers" plain "$trale" drivers "$tmp/t.ini"
    ok "nor in JSON" plain "$trale" drivers --json "$tmp/t.ini"
    probe chatty 'write(1, "noise", 5);' ''
    noise_on_stderr() {
        "$trale" check --start --json "$tmp/t.ini" >"$tmp/said" 2>"$tmp/noise" && ! grep -q noise "$tmp/said" &&
            grep -q noise "$tmp/noise"
    }
    ok "what a driver prints is not in the JSON" noise_on_stderr
    probe refuse 'host->log(host->context, 0, "no \033 today"); return -EIO;' ''
    ok "check does not see that a driver does not start" says 0 "all is well"
    ok "check --start does" starts 1 "did not start: Input/output error"
    ok "and shows the driver's own message" starts 1 'error: [driver:x] no \x1b today'
    probe fall 'abort();' ''
    ok "a driver that crashes in start is a message" starts 1 \
        'starting the drivers crashed (Aborted); the last message was "[driver:timer] started'
    probe stumble '' 'abort();'
    ok "so is one that crashes in stop" starts 1 \
        'stopping the drivers crashed (Aborted); the last message was "[driver:x] started'
    probe end 'exit(0);' ''
    ok "so is one that ends the process" starts 1 'starting the drivers ended the process (exit status 0)'
    probe stay 'for (;;) pause();' ''
    ok "so is one that hangs" starts 1 'starting the drivers did not end within 10 s'
fi
