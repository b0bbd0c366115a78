#!/usr/bin/env python3
"""Times analyze beside what else reads captures, on captures made for it.

    bench.py [--size full|small|tiny] [--rounds N] [--out FILE] [--built FOLDER]

All programs take turns, round by round, so that a busy machine slows all alike: ratios
hold where times do not. Each round is a whole process, its output thrown away. What analyze
counts is compared with what the generator made, in the runs that are timed. Run it by
`make bench`, which builds what it needs. Python 3.11, standard library only.
"""
import argparse
import datetime
import hashlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

# the checkout stays clean
sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))
import page
from page import TOP, model

BUILT = Path(os.environ.get("CARGO_TARGET_DIR") or TOP / "target") / "release"

# name: options of the generator, the ratio that is this capture's own goal, memory in MB
CAPTURES = {
    "small": (
        ["--packets=5000000", "--conversations=2000", "--payload=20..60", "--loss=2"],
        ("analyze pcap", ["tcpdump -w /dev/null"], "below", 1),
        64,
    ),
    # two of three packets carry a line or an answer: 687,000, and 1.07 GB
    "large": (
        ["--packets=1030000", "--conversations=100", "--payload=1448", "--loss=2"],
        ("analyze pcap", ["read only"], "at most", 2),
        64,
    ),
    # one exchange each
    "many": (
        ["--packets=3000000", "--conversations=300000", "--active=3000"],
        ("analyze pcap", ["tcpdump -w /dev/null"], "at most", 3),
        250,
    ),
}
# these are told of each capture; the goals are the same for all
RATIOS = [
    ("analyze pcap", ["tcpdump -w /dev/null"]),
    ("analyze pcap", ["read only"]),
    ("analyze pcapng", ["analyze pcap"], "at most", 1.2),
    ("analyze pcap.gz", ["analyze pcap", "gzip -dc"], "at most", 1.2),
    ("analyze pcap.zst", ["analyze pcap", "zstd -dc"], "at most", 1.2),
    ("one thread: pcap.zst", ["one thread: pcap", "zstd -dc"], "at most", 1.2),
]
# what takes seconds, in so many rounds at most: noise is less of it, and it would take most of the time
TURNS = {"gzip -dc": 5, "analyze pcap.gz": 5, "capinfos": 1, "tcptrace (on Ethernet)": 1}
SIZES = {"full": 1, "small": 10, "tiny": 1000}
# reports that were found right, and of what
RIGHT = set()
ACTIVE = 1000  # the generator's own, where no other is given


def die(words):
    sys.exit(f"bench.py: {words}")


def run(command, out=subprocess.DEVNULL, stdin=subprocess.DEVNULL):
    """Wall and processor time in seconds, and the most memory in MB, of a whole process."""
    start = time.monotonic()
    process = subprocess.Popen(command, stdin=stdin, stdout=out, stderr=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    wall = time.monotonic() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        die(f"{' '.join(map(str, command))} ended with {process.returncode}; run it by hand to see why")
    return wall, used.ru_utime + used.ru_stime, used.ru_maxrss * 1024 / 1e6


def make(options, path):
    """Makes a capture; what a report must say of it."""
    command = [BUILT / "examples/generate", *options, "--write", path]
    done = subprocess.run(command, stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        die(f"the generator ended with {done.returncode}: {done.stderr.strip()}")
    return json.loads(done.stderr)


def generate(folder, name, options):
    """A capture in both containers and compressed; what is in it."""
    plain = folder / f"{name}.pcap"
    made = make(options, plain)
    make([*options, "--container=pcapng"], folder / f"{name}.pcapng")
    if shutil.which("tcptrace"):
        # it reads no cooked capture: the same packets on Ethernet
        make([*options, "--link-type=ethernet"], folder / f"{name}.eth")
    subprocess.run(["gzip", "--keep", "--fast", plain], check=True)
    subprocess.run(["zstd", "--quiet", "--keep", plain], check=True)
    return plain, made


def scaled(options, divisor):
    """The same with fewer packets and conversations; what is open at once stays."""
    for option in options:
        key, value = option.split("=")
        if key in ("--packets", "--conversations"):
            value = max(10, int(value) // divisor)
        yield f"{key}={value}"


def check(report, made):
    """What a timed run reported. Reports that are the same, byte for byte, are right alike."""
    with report.open("rb") as said:
        same = (hashlib.file_digest(said, "sha256").digest(), json.dumps(made))
    if same not in RIGHT:
        read(report, made)
        RIGHT.add(same)


def read(report, made):
    """In a process of its own: what this one holds while it begins another counts as that one's
    memory."""
    if os.fork() == 0:
        try:
            compare(json.loads(report.read_text())["captures"][0], made)
        except SystemExit as e:
            print(e, file=sys.stderr)
            os._exit(1)
        except Exception as e:  # whatever it is, this process may not go on as the other
            print(f"bench.py: the report of a timed run cannot be read: {e!r}", file=sys.stderr)
            os._exit(1)
        os._exit(0)
    if os.wait()[1]:
        die("the report of a timed run is wrong; nothing is written")


def compare(capture, made):
    """What analyze reported with what was made."""
    all_of = capture["conversations"]

    def both(name):
        return sum(one[way][name] for one in all_of for way in ("to_server", "to_client"))

    said = {
        "packets": capture["packets"],
        "conversations": len(all_of),
        "sent_again": both("retransmissions"),
        # as the messages' hashes in a conversation: added up, in whatever order
        "digest": f"{sum(int(one['messages']['digest'], 16) for one in all_of) % (1 << 64):016x}",
    }
    for way in ("to_server", "to_client"):
        said[way] = sum(one["messages"][way] for one in all_of)
        for name in ("payload_bytes", "stream_bytes"):
            said[f"{name}_{way}"] = sum(one[way][name] for one in all_of)
    # the generator makes none of these
    never = ("out_of_order", "lost_segments", "duplicate_acks")
    said |= {name: both(name) for name in never}
    said["damage"] = capture["damage"]
    said["right"] = sum(one["exchanges"]["right"] for one in all_of)
    must = made | dict.fromkeys(never, 0) | {"damage": None, "right": made["to_server"]}
    wrong = [f"{name} {said.get(name)}, made {must[name]}" for name in must if said.get(name) != must[name]]
    if wrong:
        die(f"analyze reported something else than was made: {'; '.join(wrong)}")
    without = sum(one["exchanges"]["right"] == 0 for one in all_of)
    if without or not all_of:
        die(f"{without} of {len(all_of)} conversations have no exchange to measure: give the generator more packets")


def timed(command, report, made, stdin=subprocess.DEVNULL):
    """A run of analyze, measured and its report compared: over the report before, since what is
    timed is not how long the system takes to find 400 MB for a file, which nothing else here needs."""
    with report.open("r+b") as out:
        measured = run(command, out, stdin)
        out.truncate(os.lseek(out.fileno(), 0, os.SEEK_CUR))
    check(report, made() if callable(made) else made)
    return measured


def in_memory():
    """Where reports go: a disk that has 400 MB a run to write slows those after it. None if there is no room."""
    memory = Path("/dev/shm")
    if not memory.is_dir():
        return None
    room = os.statvfs(memory)
    return memory if room.f_bavail * room.f_frsize > 1 << 30 else None


def measure(plain, made, rounds, report):
    """All programs in turns: name to a list of (wall, processor, memory)."""
    ng = plain.with_suffix(".pcapng")
    analyze = [BUILT / "analyze", "--format", "json"]
    commands = {
        "read only": [BUILT / "examples/read_only", plain],
        "tcpdump -w /dev/null": ["tcpdump", "-r", plain, "-w", "/dev/null"],
        "gzip -dc": ["gzip", "-dc", f"{plain}.gz"],
        "zstd -dc": ["zstd", "-dcq", f"{plain}.zst"],
        "analyze pcap": [*analyze, plain],
        "analyze pcapng": [*analyze, ng],
        "analyze pcap.gz": [*analyze, f"{plain}.gz"],
        "analyze pcap.zst": [*analyze, f"{plain}.zst"],
        "one thread: pcap": [*analyze, "--threads", "1", plain],
        "one thread: pcap.zst": [*analyze, "--threads", "1", f"{plain}.zst"],
        "capinfos": ["capinfos", plain],
    }
    if shutil.which("tcptrace"):
        commands["tcptrace (on Ethernet)"] = ["tcptrace", plain.with_suffix(".eth")]
    results = {name: [] for name in commands}
    for turn in range(rounds):
        for name, command in commands.items():
            if turn >= TURNS.get(name, rounds):
                continue
            if name.startswith(("analyze", "one thread")):
                results[name].append(timed(command, report, made))
            else:
                results[name].append(run(command))
    return results


def tshark(plain):
    """Once: it takes minutes where others take a second."""
    return {"tshark -q -z conv,tcp": [run(["tshark", "-n", "-r", plain, "-q", "-z", "conv,tcp"])]}


def piped(options, report):
    """Wall time, processor time and memory of analyze, and wall time of the generator alone."""
    generate = [BUILT / "examples/generate", *options]
    alone, _, _ = run(generate)
    maker = subprocess.Popen(generate, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    source = maker.stdout

    def made():
        source.close()
        said = maker.stderr.read()
        if maker.wait():
            die(f"the generator failed on a pipe: {said.strip()}")
        return json.loads(said)

    wall, used, most = timed([BUILT / "analyze", "--format", "json", "-"], report, made, source)
    return wall, used, most, alone


def growth(goals, divisor, turns, report):
    """Ten times the packets, piped from the generator: time and memory. In each turn the lesser
    goes ten times, since what else the machine does in a long run evens out and in a short one not."""
    sizes = ((5_000_000 // divisor, 10), (50_000_000 // divisor, 1))
    runs = {packets: [] for packets, _ in sizes}
    for _ in range(turns):
        for packets, times in sizes:
            options = [f"--packets={packets}", f"--conversations={max(10, 2000 // divisor)}", "--loss=2"]
            runs[packets] += [piped(options, report) for _ in range(times)]
    section = "growth"
    rows = ["", f"## {section}: piped from the generator, {turns} turns", "", "| packets | runs | wall of both | generator alone | processor of analyze | memory |", "|---:|---:|---:|---:|---:|---:|"]
    lines, means, most = [], [], max(memory for all_of in runs.values() for _, _, memory, _ in all_of)
    for packets, all_of in runs.items():
        walls, cpus, memories, alones = zip(*all_of)
        wall, cpu, alone = map(statistics.mean, (walls, cpus, alones))
        means.append((wall, cpu))
        rows.append(f"| {packets} | {len(all_of)} | {wall:.2f} s | {alone:.2f} s | {cpu:.2f} s | {page.memory(max(memories))} |")
        for what, each in (("wall", walls), ("processor", cpus)):
            lines.append(f"{packets:>9} {what:9} {' '.join(f'{one:.2f}' for one in each)}")
    rows += ["", "Times are means of the runs.", "", *page.HEAD]
    for at, name in enumerate(("wall time of both", "processor time of analyze")):
        found = means[1][at] / means[0][at]
        rows.append(goals.row(section, f"{name}, for ten times the packets", found, "between", (9, 11), " times"))
    rows.append(goals.row(section, "memory of analyze", most, "below", 64, " MB", page.memory(most)))
    return [*rows, "", "All runs, in seconds:", "", "```", *lines, "```"]


def start_up(goals, folder, report):
    """A capture of ten packets: nearly all is the program's start."""
    path, turns = folder / "ten.pcap", 20
    made = make(["--packets=10", "--conversations=1"], path)
    command = [BUILT / "analyze", "--format", "json", path]
    walls = sorted(timed(command, report, made)[0] * 1000 for _ in range(turns))
    section, usual = "start-up", statistics.median(walls)
    shown, best = (f"{one:.1f} ms" for one in (usual, walls[0]))
    rows = ["", f"## {section}: {made['packets']} packets, a greeting, a line and its answer among them", "", *page.HEAD]
    rows.append(goals.row(section, f"wall, median of {turns}", usual, "below", 5, " ms", shown, best=best))
    if os.path.exists("/usr/bin/time"):
        # begun by a small program: what a process holds before it loads another counts as that one's
        said = subprocess.run(["/usr/bin/time", "-f", "%M", *command], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True).stderr
        peak = int(said.split()[-1]) * 1024 / 1e6
        rows.append(goals.row(section, "memory", peak, "below", 10, " MB", f"{peak:.1f} MB"))
    else:
        rows.append("| memory | not measured: /usr/bin/time is not installed | | | below 10 MB | |")
    return rows


def of_capture(goals, name, options, folder, report):
    """The section of one capture."""
    asked, own, most_memory = CAPTURES[name]
    asked = list(scaled(asked, SIZES[options.size]))
    active = next((int(one.split("=")[1]) for one in asked if one.startswith("--active=")), ACTIVE)
    plain, made = generate(folder, name, asked)
    size = plain.stat().st_size / 1e6
    lines = ["", f"## {name}: {made['packets']} packets, {made['conversations']} conversations, {size:.0f} MB", ""]
    lines += [page.holds(made, active), ""]
    results = measure(plain, made, options.rounds, report)
    if name == "small":
        results |= tshark(plain)
    wanted = [own, *(one for one in RATIOS if one[:2] != own[:2])]
    lines += [*page.ratios(goals, name, results, wanted, most_memory), "", *page.table(results)]
    lines += [*page.busy(results), *page.rounds(results)]
    for path in folder.iterdir():
        path.unlink()
    return lines


def head(goals, size):
    lines = [
        f"# Reading captures, {datetime.date.today().isoformat()}",
        "",
        f"{page.machine()}; commit {page.commit()}, size {size}.",
        "",
        *goals.said(),
        "",
        "Made by `make bench`. Times depend on what else the machine does; ratios are of wall times",
        "of runs in the same round, and the median of the rounds is told. Beside it stand the quartiles,",
        "which half of the rounds lie between, and the ratio of the best times, nearest to what a",
        "machine gives that does nothing else; goals are judged by the median. analyze does everything",
        "in each run: verdicts, reassembly, message ledger and pairing. What each of its timed runs",
        "reports must be what the generator made: packets, messages and the digest of all their places,",
        "bytes, retransmissions, right answers. For that it writes its report, 1.3 kB a conversation, to",
        "a file in memory, over the one before, where others write to /dev/null.",
    ]
    if size != "full":
        lines += ["", f"The goals are those of --size full: at size {size} they tell little."]
    return lines


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--size", choices=SIZES, default="full")
    parser.add_argument("--rounds", type=int, default=25)
    parser.add_argument("--out", type=Path, help="default: docs/bench/DATE-MODEL.md")
    parser.add_argument("--built", type=Path, default=BUILT, help="default: target/release")
    options = parser.parse_args()
    if options.rounds < 1:
        parser.error("--rounds: give a number from 1")
    return options


def main():
    options = arguments()
    globals()["BUILT"] = options.built
    for tool in ("tcpdump", "capinfos", "tshark", "gzip", "zstd"):
        if not shutil.which(tool):
            die(f"{tool} is missing; run scripts/setup.sh test")
    goals, lines = page.Goals(), []
    with (
        tempfile.TemporaryDirectory(prefix="bench") as name,
        tempfile.TemporaryDirectory(prefix="bench", dir=in_memory()) as reports,
    ):
        folder, report = Path(name), Path(reports) / "report.json"
        report.touch()
        for capture in CAPTURES:
            lines += of_capture(goals, capture, options, folder, report)
        lines += start_up(goals, folder, report)
        lines += growth(goals, SIZES[options.size], min(5, options.rounds), report)
    text = "\n".join([*head(goals, options.size), *lines, *page.versions(options.built)]) + "\n"
    out = options.out
    if out is None:
        slug = "-".join("".join(c if c.isalnum() else " " for c in model()).lower().split()[:4])
        out = TOP / "docs/bench" / f"{datetime.date.today().isoformat()}-{slug}.md"
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(text)
    print(text)


if __name__ == "__main__":
    main()
