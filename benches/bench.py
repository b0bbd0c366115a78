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
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
BUILT = Path(os.environ.get("CARGO_TARGET_DIR") or TOP / "target") / "release"
# a process is measured from before its program is loaded, so less cannot be told
LEAST_MEMORY = 20

# name, options of the generator
CAPTURES = {
    "small": ["--packets=5000000", "--conversations=2000", "--payload=20..60", "--loss=2"],
    "large": ["--packets=700000", "--conversations=100", "--payload=1448", "--loss=2"],
    "many": ["--packets=3000000", "--conversations=300000", "--active=3000"],
}
SIZES = {"full": 1, "small": 10, "tiny": 1000}


def die(words):
    sys.exit(f"bench.py: {words}")


def run(command, out=subprocess.DEVNULL):
    """Wall and processor time in seconds, and the most memory in MiB, of a whole process."""
    start = time.monotonic()
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    wall = time.monotonic() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        die(f"{' '.join(map(str, command))} ended with {process.returncode}; run it by hand to see why")
    return wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def generate(folder, name, options, divisor):
    """A capture in both containers and compressed; what is in it."""
    scaled = []
    for option in options:
        key, value = option.split("=")
        if key in ("--packets", "--conversations"):
            value = str(max(10, int(value) // divisor))
        scaled.append(f"{key}={value}")
    made = {}
    for container in ("pcap", "pcapng"):
        path = folder / f"{name}.{container}"
        command = [BUILT / "examples/generate", *scaled, f"--container={container}", "--write", path]
        said = subprocess.run(command, check=True, stderr=subprocess.PIPE, text=True).stderr
        made = json.loads(said)
    if shutil.which("tcptrace"):
        # it reads no cooked capture: the same packets on Ethernet
        command = [BUILT / "examples/generate", *scaled, "--link-type=ethernet", "--write", folder / f"{name}.eth"]
        subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
    plain = folder / f"{name}.pcap"
    subprocess.run(["gzip", "--keep", "--fast", plain], check=True)
    subprocess.run(["zstd", "--quiet", "--keep", plain], check=True)
    return plain, made


def check(report, made):
    """The counts of a timed run, in a process of its own: what this one holds while it begins
    another counts as that one's memory."""
    if os.fork() == 0:
        try:
            compare(report, made)
        except SystemExit as e:
            print(e, file=sys.stderr)
            os._exit(1)
        os._exit(0)
    if os.wait()[1]:
        die("the counts of a timed run are wrong")


def compare(report, made):
    """What analyze counted with what was made."""
    capture = json.loads(report.read_text())["captures"][0]
    all_of = capture["conversations"]
    counted = {
        "packets": capture["packets"],
        "conversations": len(all_of),
        "to_server": sum(one["messages"]["to_server"] for one in all_of),
        "to_client": sum(one["messages"]["to_client"] for one in all_of),
        "sent_again": sum(one["to_server"]["retransmissions"] for one in all_of),
    }
    if counted != made:
        die(f"analyze counted {counted}, and the generator made {made}")
    right = sum(one["exchanges"]["right"] for one in all_of)
    if right != made["to_server"] or capture["damage"]:
        die(f"{right} of {made['to_server']} exchanges are right, damage {capture['damage']}")


def in_memory():
    """Where reports go: a disk that has 400 MB a run to write slows those after it. None if there is no room."""
    memory = Path("/dev/shm")
    if not memory.is_dir():
        return None
    room = os.statvfs(memory)
    return memory if room.f_bavail * room.f_frsize > 1 << 30 else None


def measure(plain, made, rounds, report):
    """All programs in turns: name to a list of (wall, processor, memory)."""
    report.touch()
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
            if name.startswith(("capinfos", "tcptrace")) and turn > 0:
                continue  # many times slower: once tells enough
            if name.startswith(("analyze", "one thread")):
                # over the report before: what is timed is not how long the system takes to find
                # 400 MB for a file, which nothing else here needs
                with report.open("r+b") as out:
                    results[name].append(run(command, out))
                    out.truncate(os.lseek(out.fileno(), 0, os.SEEK_CUR))
                check(report, made)
            else:
                results[name].append(run(command))
    return results


def tshark(plain, folder):
    """Once: it takes minutes where others take a second."""
    return {"tshark -q -z conv,tcp": [run(["tshark", "-n", "-r", plain, "-q", "-z", "conv,tcp"])]}


def piped(packets):
    """Wall time, processor time and memory of analyze, and wall time of the generator alone."""
    generate = [BUILT / "examples/generate", f"--packets={packets}", "--conversations=2000", "--loss=2"]
    alone, _, _ = run(generate)
    made = subprocess.Popen(generate, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    start = time.monotonic()
    process = subprocess.Popen(
        [BUILT / "analyze", "--format", "json", "-"], stdin=made.stdout, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    made.stdout.close()
    _, status, used = os.wait4(process.pid, 0)
    wall = time.monotonic() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if made.wait() or process.returncode:
        die("the generator or analyze failed on a pipe")
    return wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, alone


def growth(divisor):
    """Ten times the packets, piped from the generator: processor time and memory."""
    rows = ["", "## growth: piped from the generator", "", "| packets | wall, analyze and generator | generator alone | processor, analyze | memory |", "|---:|---:|---:|---:|---:|"]
    cpu = []
    for packets in (5_000_000 // divisor, 50_000_000 // divisor):
        runs = [piped(packets) for _ in range(3 if packets <= 5_000_000 else 1)]
        wall, used, most, alone = min(runs, key=lambda one: one[1])
        cpu.append(used)
        rows.append(f"| {packets} | {wall:.2f} s | {alone:.2f} s | {used:.2f} s | {memory(most)} |")
    return [*rows, "", f"Ten times the packets take {cpu[1] / cpu[0]:.2f} times the processor time (goal: 9 to 11)."]


def start_up(folder):
    """A capture of some ten packets: nearly all is the program's start."""
    path = folder / "ten.pcap"
    subprocess.run([BUILT / "examples/generate", "--packets=10", "--conversations=1", "--write", path], check=True, stderr=subprocess.DEVNULL)
    walls = sorted(run([BUILT / "analyze", "--format", "json", path])[0] for _ in range(20))
    peak = "not measured (/usr/bin/time is not installed)"
    if os.path.exists("/usr/bin/time"):
        # begun by a small program: what a process holds before it loads another counts as that one's
        timed = ["/usr/bin/time", "-f", "%M", BUILT / "analyze", "--format", "json", path]
        said = subprocess.run(timed, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True).stderr
        peak = f"{int(said.split()[-1]) / 1024:.1f} MiB"
    return ["", "## start-up: 10 packets", "", f"Wall {walls[0] * 1000:.1f} ms at best, {statistics.median(walls) * 1000:.1f} ms in the median of 20; memory {peak} (goals: 5 ms, 10 MB)."]


def version(*command):
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:
        return "not installed"
    lines = (done.stdout + done.stderr).splitlines()
    return next((line for line in lines if line.strip() and not line.startswith("Running")), "?")


def model():
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def memory(mib):
    return f"below {LEAST_MEMORY} MiB" if mib < LEAST_MEMORY else f"{mib:.0f} MiB"


def table(results):
    rows = ["| program | wall, best | wall, median | processor, best | memory | rounds |", "|---|---:|---:|---:|---:|---:|"]
    for name, times in results.items():
        walls = [wall for wall, _, _ in times]
        rows.append(
            f"| {name} | {min(walls):.3f} s | {statistics.median(walls):.3f} s "
            f"| {min(cpu for _, cpu, _ in times):.3f} s | {memory(max(mem for *_, mem in times))} | {len(times)} |"
        )
    return rows


def ratios(results):
    """Of each round, since all share its load; the median of those."""
    def ratio(name, *others):
        each = zip(results[name], *(results[other] for other in others))
        return statistics.median(one[0] / max(other[0] for other in rest) for one, *rest in each)

    wanted = [
        ("analyze pcap", ["tcpdump -w /dev/null"], ""),
        ("analyze pcap", ["read only"], ""),
        ("analyze pcapng", ["analyze pcap"], "1.2"),
        ("analyze pcap.gz", ["analyze pcap", "gzip -dc"], "1.2"),
        ("analyze pcap.zst", ["analyze pcap", "zstd -dc"], "1.2"),
        ("one thread: pcap.zst", ["one thread: pcap", "zstd -dc"], "1.2"),
    ]
    rows = ["| ratio of wall times | median of rounds | at most |", "|---|---:|---:|"]
    for name, others, most in wanted:
        rows.append(f"| {name} : {', or '.join(others)} | {ratio(name, *others):.2f} | {most} |")
    cores = os.cpu_count() or 1
    least = sum(min(cpu for _, cpu, _ in results[name]) for name in ("analyze pcap", "zstd -dc")) / cores
    rows += ["", f"Analysis keeps {cores} cores busy by itself: with decompression beside it, pcap.zst can take no less than {least:.3f} s here."]
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--size", choices=SIZES, default="full")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--out", type=Path, help="default: docs/bench/DATE-MODEL.md")
    parser.add_argument("--built", type=Path, default=BUILT, help="default: target/release")
    options = parser.parse_args()
    globals()["BUILT"] = options.built
    for tool in ("tcpdump", "capinfos", "tshark", "gzip", "zstd"):
        if not shutil.which(tool):
            die(f"{tool} is missing; run scripts/setup.sh test")
    installed = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") >> 30
    today = datetime.date.today().isoformat()
    lines = [
        f"# Reading captures, {today}",
        "",
        f"{model()}, {os.cpu_count()} cores, {installed} GiB; Linux {platform.release()}; size {options.size}.",
        "Made by `make bench`. Times depend on what else the machine does; ratios are of",
        "runs in the same round. analyze does everything in each run: verdicts, reassembly,",
        "message ledger and pairing; its counts are checked against the generator's. For that it",
        "writes its report, 1.3 kB a conversation, to a file in memory, over the one before, where",
        "others write to /dev/null.",
    ]
    with (
        tempfile.TemporaryDirectory(prefix="bench") as name,
        tempfile.TemporaryDirectory(prefix="bench", dir=in_memory()) as reports,
    ):
        folder, report = Path(name), Path(reports) / "report.json"
        for capture, wanted in CAPTURES.items():
            plain, made = generate(folder, capture, wanted, SIZES[options.size])
            size = plain.stat().st_size / 1e6
            lines += ["", f"## {capture}: {made['packets']} packets, {made['conversations']} conversations, {size:.0f} MB", ""]
            results = measure(plain, made, options.rounds, report)
            if capture == "small":
                results |= tshark(plain, folder)
            lines += [*table(results), "", *ratios(results)]
            for path in folder.iterdir():
                path.unlink()
        lines += start_up(folder)
    lines += growth(SIZES[options.size])
    lines += ["", "## Versions", ""]
    for command in (["tcpdump", "--version"], ["tshark", "--version"], ["capinfos", "--version"], ["gzip", "--version"], ["zstd", "--version"], [BUILT / "analyze", "--version"], ["rustc", "--version"]):
        lines.append(f"- {version(*command)}")
    text = "\n".join(lines) + "\n"
    out = options.out
    if out is None:
        slug = "-".join("".join(c if c.isalnum() else " " for c in model()).lower().split()[:4])
        out = TOP / "docs/bench" / f"{today}-{slug}.md"
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(text)
    print(text)


if __name__ == "__main__":
    main()
