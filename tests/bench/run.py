#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Builds the contestants and runs them in turns; `./dev bench` has installed what they need.

    run.py BUILD [--rounds N] [--only WORKLOAD,...] [--counts] [--curves] [--out FOLDER]

In each round every contestant does every workload once, so that what disturbs the machine disturbs all; what is
compared is always of one round: a contestant's figure divided by trale's. The table shows the median of these ratios,
and the least and the greatest. More than 1 means that the contestant needs more than trale."""
import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
ABSENT = 77
TIMEOUT_S = 120

# A row of the table: title, workload, N, figure, what the figure is divided by to be shown in the unit, the unit, and
# the number of cores that the contestants are kept on (0: all).
ROWS = [
    ("yield, 1 task", "yield", 1, "ns", 1, "ns", 0),
    ("yield, 1,000 tasks", "yield", 1000, "ns", 1, "ns", 0),
    ("yield in a fiber, 1 task", "yield_fiber", 1, "ns", 1, "ns", 0),
    ("yield in a fiber, 1,000 tasks", "yield_fiber", 1000, "ns", 1, "ns", 0),
    ("spawn and join, one by one", "spawn", 1, "ns", 1, "ns", 0),
    ("spawn and join fibers, one by one", "spawn_fiber", 1, "ns", 1, "ns", 0),
    ("spawn and join, 1,000 at once", "spawn", 1000, "ns", 1, "ns", 0),
    ("spawn and join, 1,000,000 at once", "spawn", 1000000, "ns", 1, "ns", 0),
    ("spawn from another thread", "spawn_outside", 1000, "ns", 1, "ns", 0),
    ("wake from another thread and back, one core", "wake", 1, "ns", 1e3, "us", 1),
    ("wake from another thread and back, two cores", "wake", 1, "ns", 1e3, "us", 0),
    ("100,000 sleeps: CPU for each", "sleep", 100000, "cpu_ns", 1e3, "us", 0),
    ("100,000 sleeps: lateness p99", "sleep", 100000, "late_p99_us", 1, "us", 0),
    ("1,000,000 sleeps: CPU for each", "sleep", 1000000, "cpu_ns", 1e3, "us", 0),
    ("1,000,000 sleeps: lateness p99", "sleep", 1000000, "late_p99_us", 1, "us", 0),
    ("1,000,000 sleeps: bytes for each", "sleep", 1000000, "bytes", 1, "B", 0),
    ("100,000 sleeps, 1 ms of slack: CPU", "sleep_slack", 100000, "cpu_ns", 1e3, "us", 0),
    ("1,000,000 sleeps, 1 ms of slack: CPU", "sleep_slack", 1000000, "cpu_ns", 1e3, "us", 0),
    ("timer made and cancelled", "churn", 10000, "ns", 1, "ns", 0),
    ("UDP round trip in one loop", "ping", 1, "ns", 1e3, "us", 0),
    ("UDP round trip to a process, one core", "ping_process", 1, "ns", 1e3, "us", 1),
    ("UDP round trip to a process, two cores", "ping_process", 1, "ns", 1e3, "us", 0),
    ("UDP echo, flooded: CPU for each", "flood", 1, "cpu_ns", 1e3, "us", 0),
    ("UDP echo, flooded, 1,000 sockets: CPU", "flood", 1000, "cpu_ns", 1e3, "us", 0),
    ("UDP echo, flooded, batches: CPU", "flood_batch", 1, "cpu_ns", 1e3, "us", 0),
    ("UDP echo, flooded, 1 runtime: thousands a second", "flood_cores", 1, "per_second", 1e3, "", 0),
    ("UDP echo, flooded, 2 runtimes: thousands a second", "flood_cores", 2, "per_second", 1e3, "", 0),
    ("bulk transfer: CPU for each datagram", "bulk", 1, "cpu_ns", 1e3, "us", 0),
    ("TCP round trip in one loop", "stream_ping", 1, "ns", 1e3, "us", 0),
    ("TCP round trip in one loop, 64 connections", "stream_ping", 64, "ns", 1e3, "us", 0),
    ("TCP echo to a process, one core", "stream_echo", 1, "per_second", 1e3, "thousands a second", 1),
    ("TCP echo to a process, one core: CPU for each", "stream_echo", 1, "cpu_ns", 1e3, "us", 1),
    ("TCP echo, 64 connections: CPU for each", "stream_echo", 64, "cpu_ns", 1e3, "us", 0),
    ("TCP, 64 KiB written: CPU for each", "stream_send", 1, "cpu_ns", 1e3, "us", 0),
    ("TCP, 64 KiB written: thousands a second", "stream_send", 1, "per_second", 1e3, "", 0),
    ("TCP, 64 KiB read: CPU for each", "stream_recv", 1, "cpu_ns", 1e3, "us", 0),
    ("TCP, 64 KiB read: thousands a second", "stream_recv", 1, "per_second", 1e3, "", 0),
    ("4 KiB of a file read, one by one", "file_read", 1, "ns", 1e3, "us", 0),
    ("4 KiB of a file read, 64 at once", "file_read", 64, "ns", 1e3, "us", 0),
    ("4 KiB of a file read, 64 at once: CPU for each", "file_read", 64, "cpu_ns", 1e3, "us", 0),
    ("4 KiB of a file written, 64 at once: CPU for each", "file_write", 64, "cpu_ns", 1e3, "us", 0),
    ("4 KiB of a file read on threads, one by one", "file_read_threads", 1, "ns", 1e3, "us", 0),
    ("4 KiB of a file read on threads, 64 at once", "file_read_threads", 64, "ns", 1e3, "us", 0),
    ("4 KiB of a file read on threads, 64 at once: CPU for each", "file_read_threads", 64, "cpu_ns", 1e3, "us", 0),
    ("4 KiB of a file written on threads, 64 at once: CPU for each", "file_write_threads", 64, "cpu_ns", 1e3, "us", 0),
    ("memory of an idle UDP task", "idle", 5000, "bytes", 1, "B", 0),
    ("start to end of a program", "start", 1, "us", 1, "us", 0),
    ("the same without drivers", "start", 0, "us", 1, "us", 0),
    ("a call through an interface", "call", 1, "ns", 1, "ns", 0),
]

# How the cost of one of many grows with their number.
CURVES = [
    ("spawn and join", "spawn", "ns"),
    ("yield", "yield", "ns"),
    ("sleep", "sleep", "cpu_ns"),
    ("timer made and cancelled", "churn", "ns"),
]
CURVE_NUMBERS = [1000, 10000, 100000, 1000000]

# How many operations a workload does, to divide counts by: the constants of bench.h.
COUNTED = {"yield": 4000000, "spawn": 1000000, "churn": 2000000, "ping": 100000}

FOLDERS = ["stream", "file"]
PEERS = ["raw", "io_uring", "libuv", "libev", "libevent", "asio", "tokio", "tokio multi"]
# trale's threads = 0 is what the others do: the program's own thread runs the loop.
CONTESTANTS = ["trale", "trale threads=1", "trale threads=2", "trale uring_udp"] + PEERS


# --- building ---------------------------------------------------------------------------------------------------------


def compile_contestants(build, out):
    """Compiles what can be compiled here; returns how each contestant is called: command and environment."""
    cc = ["gcc", "-O2", "-g", "-Wall", "-Wextra"]
    cxx = ["g++", "-std=c++20", "-fcoroutines", "-O2", "-g", "-DNDEBUG"]
    commands = {
        "trale": cc + ["-I" + os.path.join(ROOT, "include"), "trale.c", "-L" + build, "-ltrale",
                       "-Wl,-rpath," + build, "-pthread"],
        "raw": cc + ["raw.c", "-pthread"],
        "io_uring": cc + ["uring.c", "-luring"],
        "libuv": cc + ["libuv.c", "-luv", "-pthread"],
        "libev": cc + ["libev.c", "-lev", "-lm", "-pthread"],
        "libevent": cc + ["libevent.c", "-levent_core", "-levent_pthreads", "-pthread"],
        "asio": cxx + ["asio.cpp", "-pthread"],
    }
    # Workloads with programs of their own, which begin with the folder's name.
    special = {
        "trale": cc + ["-I" + os.path.join(ROOT, "include"), "{folder}/trale.c", "-L" + build, "-ltrale",
                       "-Wl,-rpath," + build],
        "raw": cc + ["{folder}/raw.c", "-pthread"],
        "libuv": cc + ["{folder}/libuv.c", "-luv"],
        "libevent": cc + ["{folder}/libevent.c", "-levent_core"],
        "asio": cxx + ["{folder}/asio.cpp", "-pthread"],
    }
    contestants = {}
    for folder in FOLDERS:
        os.makedirs(os.path.join(out, folder), mode=0o755, exist_ok=True)
    for name, command in commands.items():
        program = os.path.join(out, name)
        if run_to_build(name, command + ["-o", program]):
            contestants[name] = ([program], {})
        for folder in FOLDERS:
            command = [part.format(folder=folder) for part in special.get(name, [])]
            if any(os.path.exists(os.path.join(HERE, part)) for part in command):
                run_to_build(f"{name}'s {folder}", command + ["-o", os.path.join(out, folder, name)])
    tokio = build_tokio(out)
    if tokio is not None:
        contestants["tokio"] = ([tokio], {"TOKIO_THREADS": "current"})
        contestants["tokio multi"] = ([tokio], {"TOKIO_THREADS": "multi"})
    if "trale" not in contestants:
        sys.exit("run.py: trale itself does not compile")
    program = contestants["trale"][0]
    drivers = {"TRALE_DRIVERS": os.path.join(build, "drivers")}
    for threads, name in enumerate(CONTESTANTS[:3]):
        contestants[name] = (program, {**drivers, "TRALE_CONFIG": write_config(out, f"threads-{threads}", threads)})
    if os.path.exists(os.path.join(build, "drivers", "uring_udp.so")):
        config = write_config(out, "uring_udp", 0, ["path = uring_udp.so", "fallback = fail"])
        contestants["trale uring_udp"] = (program, {**drivers, "TRALE_CONFIG": config})
    return contestants


def run_to_build(name, command):
    done = subprocess.run(command, cwd=HERE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        print(f"run.py: without {name}, which does not compile here:\n{done.stdout}", file=sys.stderr)
    return done.returncode == 0


def build_tokio(out):
    """With the crates that Debian packages, and no network."""
    registry = "/usr/share/cargo/registry"
    cargo = "/usr/bin/cargo"
    if not os.path.exists(cargo) or not os.path.isdir(registry) or not os.path.isdir(os.path.join(HERE, "tokio")):
        return None
    work = os.path.join(out, "tokio-source")
    shutil.rmtree(work, ignore_errors=True)
    shutil.copytree(os.path.join(HERE, "tokio"), work)
    command = [cargo, "build", "--release", "--offline", "--quiet",
               "--manifest-path", os.path.join(work, "Cargo.toml"),
               "--target-dir", os.path.join(out, "tokio-target"),
               "--config", 'source.crates-io.replace-with="debian"',
               "--config", f'source.debian.directory="{registry}"']
    environment = {**os.environ, "RUSTC": "/usr/bin/rustc", "PATH": "/usr/bin:" + os.environ["PATH"]}
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        print(f"run.py: without tokio, which does not build here:\n{done.stdout}", file=sys.stderr)
        return None
    return os.path.join(out, "tokio-target", "release", "bench-tokio")


def write_config(out, name, threads, udp=("path = udp.so",)):
    """The trale.ini of a contestant, and those for the workloads that need another; returns the first one's path."""
    name = os.path.join(out, name)
    variants = {".ini": ([], []), "-stream.ini": ([], []), "-file.ini": ([], []), "-file-threads.ini": ([], []),
                "-slack.ini": ([], ["slack = 1ms"]),
                "-instances-1.ini": (["instances = 1"], []), "-instances-2.ini": (["instances = 2"], [])}
    with open(name + "-bare.ini", "w", encoding="utf-8") as file:
        file.write(f"[runtime]\nthreads = {threads}\n")
    os.chmod(name + "-bare.ini", 0o644)
    for ending, (runtime, timer) in variants.items():
        more = ""
        if ending == "-stream.ini":
            more, sections = ", stream", ["[driver:stream]", "path = stream.so"]
        elif ending.startswith("-file"):
            backend = "blocking" if ending == "-file-threads.ini" else "auto"
            more, sections = ", blocking, file", ["[driver:blocking]", "path = blocking.so", "threads = 4",
                                                  "[driver:file]", "path = file.so", "backend = " + backend]
        else:
            sections = []
        lines = ["[runtime]", "drivers = timer, udp" + more, f"threads = {threads}", *runtime,
                 "[driver:timer]", "path = timer.so", *timer, "[driver:udp]", *udp,
                 *sections, ""]
        with open(name + ending, "w", encoding="utf-8") as file:
            file.write("\n".join(lines))
        os.chmod(name + ending, 0o644)
    return name + ".ini"


# --- running ----------------------------------------------------------------------------------------------------------


def prepare(contestants, name, workload, number):
    command, environment = contestants[name]
    environment = {**os.environ, **environment}
    special = workload.split("_")[0]
    if special == "file" and name == "trale uring_udp":
        return None, None
    if special in FOLDERS and not name.startswith("tokio"):
        folder, program = os.path.split(command[0])
        command = [os.path.join(folder, special, program)]
        if not os.path.exists(command[0]):
            return None, None
    if workload == "sleep_slack" and "TRALE_CONFIG" in environment:
        environment["TRALE_CONFIG"] = environment["TRALE_CONFIG"].replace(".ini", "-slack.ini")
    if special in FOLDERS and "TRALE_CONFIG" in environment:
        ending = "-threads.ini" if workload.endswith("_threads") else ".ini"
        environment["TRALE_CONFIG"] = environment["TRALE_CONFIG"].replace(".ini", "-" + special + ending)
    if workload == "start" and number == 0 and "TRALE_CONFIG" in environment:
        environment["TRALE_CONFIG"] = environment["TRALE_CONFIG"].replace(".ini", "-bare.ini")
    if workload == "flood_cores" and "TRALE_CONFIG" in environment:
        environment["TRALE_CONFIG"] = environment["TRALE_CONFIG"].replace(".ini", f"-instances-{number}.ini")
    return command, environment


def keep_on(cores):
    """For the child: stays on so many of the cores that there are."""
    def limit():
        if cores > 0:
            os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:cores])
    return limit


def measure(contestants, name, workload, number, cores):
    """The figures of one run; {} if it failed; None if the contestant has nothing of the kind."""
    command, environment = prepare(contestants, name, workload, number)
    if command is None:
        return None
    command = command + [workload, str(number)]
    if workload == "start":
        command = contestants["raw"][0] + ["time", "100"] + command
    try:
        done = subprocess.run(command, env=environment, preexec_fn=keep_on(cores), stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, timeout=TIMEOUT_S)
    except subprocess.TimeoutExpired:
        print(f"run.py: {name} {workload} {number} took more than {TIMEOUT_S} s", file=sys.stderr)
        return None
    if done.returncode == ABSENT:
        return None
    if done.returncode != 0:
        print(f"run.py: {name} {workload} {number}: status {done.returncode}: {done.stderr}", file=sys.stderr)
        return {}
    return {figure: float(value) for figure, value in (line.split() for line in done.stdout.splitlines())}


def run_rounds(contestants, rows, rounds):
    """samples[row][contestant] is the list of its figures, one for each round; None where there was none."""
    samples = {title: {name: [] for name in contestants} for title, *_ in rows}
    absent = set()
    for number_of_round in range(rounds):
        done = {}
        names = list(contestants)
        for at, (title, workload, number, figure, _, _, cores) in enumerate(rows):
            # Another contestant goes first each time: the speed of the machine changes.
            first = (number_of_round + at) % len(names)
            for name in names[first:] + names[:first]:
                key = (name, workload, number, cores)
                if key not in done:
                    figures = None if key in absent else measure(contestants, *key)
                    if figures is None:
                        absent.add(key)
                    done[key] = figures or {}
                samples[title][name].append(done[key].get(figure))
        print(f"run.py: round {number_of_round + 1} of {rounds} is done", file=sys.stderr)
    return samples


def ratios(samples, name, base="trale"):
    """Median, least and greatest of the contestant's figure divided by trale's of the same round; or None."""
    pairs = zip(samples[name], samples[base])
    values = [mine / theirs for mine, theirs in pairs if mine is not None and theirs]
    return (statistics.median(values), min(values), max(values)) if values else None


def run_curves(contestants):
    """curve[title][contestant] is a list of (number, figure)."""
    curves = {}
    for title, workload, figure in CURVES:
        curves[title] = {name: [] for name in contestants}
        for number in CURVE_NUMBERS:
            for name in contestants:
                # A sleep's figure is the mean of many already.
                times = 1 if workload == "sleep" else 3
                values = [(measure(contestants, name, workload, number, 0) or {}).get(figure) for _ in range(times)]
                values = [value for value in values if value is not None]
                if values:
                    curves[title][name].append((number, statistics.median(values)))
    return curves


# --- counting: what does not depend on the machine's mood -------------------------------------------------------------


def count_instructions(contestants, name, workload, number):
    command, environment = prepare(contestants, name, workload, number)
    done = subprocess.run(["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", *command, workload,
                           str(number)], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode != 0:
        return None
    for line in done.stderr.splitlines():
        if "Collected :" in line:
            return int(line.split(":")[1].split()[0]) / COUNTED[workload]
    return None


def count_calls(contestants, name, workload, number):
    command, environment = prepare(contestants, name, workload, number)
    done = subprocess.run(["strace", "-f", "-c", "-U", "calls,name", "-o", "/dev/stderr", *command, workload,
                           str(number)], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode != 0:
        return None
    for line in done.stderr.splitlines():
        if line.split()[1:] == ["total"]:
            return int(line.split()[0]) / COUNTED[workload]
    return None


def count_all(contestants):
    rows = [("instructions for a yield", count_instructions, "yield", 1000),
            ("instructions for a spawn and join", count_instructions, "spawn", 1000),
            ("instructions for a timer made and cancelled", count_instructions, "churn", 1000),
            ("system calls for a UDP round trip in one loop", count_calls, "ping", 1)]
    lines = [f"| counted | {' | '.join(contestants)} |", f"|---|{'---|' * len(contestants)}"]
    for title, count, workload, number in rows:
        values = [count(contestants, name, workload, number) for name in contestants]
        cells = ["–" if value is None else f"{value:.1f}" for value in values]
        lines.append(f"| {title} | {' | '.join(cells)} |")
    return "\n".join(lines)


# --- showing ----------------------------------------------------------------------------------------------------------


def table(contestants, rows, samples):
    others = [name for name in contestants if name != "trale"]
    lines = [f"| | trale | {' | '.join(others)} |", f"|---|{'---|' * (len(others) + 1)}"]
    for title, _, _, _, divisor, unit, _ in rows:
        own = [value for value in samples[title]["trale"] if value is not None]
        cells = [f"{statistics.median(own) / divisor:.3g} {unit}" if own else "–"]
        for name in others:
            found = ratios(samples[title], name)
            cells.append("–" if found is None else f"{found[0]:.2f} ({found[1]:.2f}–{found[2]:.2f})")
        lines.append(f"| {title} | {' | '.join(cells)} |")
    return "\n".join(lines)


def gnuplot(script):
    if shutil.which("gnuplot") is None:
        print("run.py: no gnuplot, no plot", file=sys.stderr)
        return
    subprocess.run(["gnuplot"], input=script, text=True, check=True)


def plot_ratios(contestants, rows, samples, path):
    """A dot for each contestant in each row, on a logarithmic scale; trale is the line at 1."""
    others = [name for name in contestants if not name.startswith("trale")]
    rows = [row for row in rows if row[3] != "per_second" and any(ratios(samples[row[0]], name) for name in others)]
    labels = ", ".join(f'"{title}" {-i}' for i, (title, *_) in enumerate(rows))
    blocks, plots = [], []
    for index, name in enumerate(others):
        points = [(ratios(samples[title], name), -i) for i, (title, *_) in enumerate(rows)]
        lines = [f"{found[0]} {y} {found[1]} {found[2]}" for found, y in points if found is not None]
        if not lines:
            continue
        blocks.append(f"$data{index} << EOD\n" + "\n".join(lines) + "\nEOD")
        plots.append(f'$data{index} using 1:2:3:4 with xerrorbars pointtype {index + 4} pointsize 0.8 title "{name}"')
    gnuplot(f"""set terminal svg size 1000,{120 + 24 * len(rows)} dynamic noenhanced background rgb "white" font "sans,12"
set output "{path}"
set logscale x
set xrange [0.1:100]
set yrange [{0.7 - len(rows)}:0.7]
set ytics ({labels}) font ",11"
set xlabel "cost as a multiple of trale's (left of the line: less than trale)"
set grid x
set key outside top center horizontal
set arrow from 1,{0.7 - len(rows)} to 1,0.7 nohead linewidth 2 linecolor rgb "#404040"
{chr(10).join(blocks)}
plot {", ".join(plots)}
""")


def plot_curves(curves, path):
    """One field for each curve: cost of one against the number of all, both logarithmic."""
    fields = []
    for title, found in curves.items():
        blocks, plots = [], []
        for index, (name, points) in enumerate(found.items()):
            if points:
                label = f"$c{len(fields)}_{index}"
                blocks.append(f"{label} << EOD\n" + "\n".join(f"{n} {value}" for n, value in points) + "\nEOD")
                plots.append(f'{label} with linespoints linetype {index + 1} title "{name}"')
        if plots:
            fields.append(f'{chr(10).join(blocks)}\nset title "{title}: ns for each"\nplot {", ".join(plots)}')
    gnuplot(f"""set terminal svg size 1000,800 dynamic noenhanced background rgb "white" font "sans,12"
set output "{path}"
set multiplot layout 2,2
set logscale xy
set xrange [700:1500000]
set format x "10^%T"
set grid
set key outside right top font ",9"
{chr(10).join(fields)}
unset multiplot
""")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", help="a release build of trale")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--only", default="", help="workloads, separated by commas")
    parser.add_argument("--contestants", default="", help="those alone, separated by commas; trale is always there")
    parser.add_argument("--counts", action="store_true", help="count instructions and system calls as well")
    parser.add_argument("--curves", action="store_true", help="measure how cost grows with the number as well")
    parser.add_argument("--out", help="folder for programs and results; default BUILD/bench")
    options = parser.parse_args()
    build = os.path.abspath(options.build)
    out = os.path.abspath(options.out or os.path.join(build, "bench"))
    os.makedirs(out, mode=0o755, exist_ok=True)
    wanted = [name for name in options.only.split(",") if name]
    rows = [row for row in ROWS if not wanted or row[1] in wanted]
    found = compile_contestants(build, out)
    chosen = [name for name in options.contestants.split(",") if name]
    contestants = {name: found[name] for name in CONTESTANTS
                   if name in found and (not chosen or name in chosen or name in ("trale", "raw"))}

    samples = run_rounds(contestants, rows, options.rounds)
    text = table(contestants, rows, samples)
    if options.counts:
        text += "\n\n" + count_all(contestants)
    print(text)
    with open(os.path.join(out, "results.json"), "w", encoding="utf-8") as file:
        json.dump(samples, file, indent=1)
    with open(os.path.join(out, "results.md"), "w", encoding="utf-8") as file:
        file.write(text + "\n")
    plot_ratios(contestants, rows, samples, os.path.join(out, "results.svg"))
    if options.curves:
        plot_curves(run_curves(contestants), os.path.join(out, "curves.svg"))


if __name__ == "__main__":
    main()
