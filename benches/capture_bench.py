#!/usr/bin/env python3
"""Records the same traffic with capture and with what else records, at rising rates.

    capture_bench.py [--size full|tiny] [--rounds N] [--out FILE] [--built FOLDER]

A sender puts numbered datagrams on the loopback of a network namespace that is made for
this and removed after it. One recorder at a time takes them; all take turns at each rate, so
that a busy machine slows all alike. Told are packets lost, and processor time for each packet
kept. Run it by `make bench-capture`, as root. Python 3.11, standard library only.
"""
import argparse
import datetime
import os
import platform
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

# the checkout stays clean
sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))
from bench import BUILT
from page import TOP, model, version

# datagrams a second; 0 is as fast as the sender can
RATES = {"full": [50_000, 100_000, 200_000, 300_000, 400_000, 0], "tiny": [20_000]}
# payload in bytes: most datagrams of a run, so that a file stays below 0.5 GB
PAYLOADS = {64: 600_000, 1400: 300_000}
SECONDS = 2
PORT = 47_000
# so long a recorder has for what the kernel holds; tcpdump hands over once a second
SETTLE = 1.5
PATIENCE = 60


def die(words):
    sys.exit(f"capture_bench.py: {words}")


def recorders(built, interface, file):
    """Name to command; the filter is the same for all."""
    filter_ = ["udp", "and", "dst", "port", str(PORT)]
    return {
        "capture": [built / "capture", "-i", interface, "-w", file, *filter_],
        "tcpdump": ["tcpdump", "-i", interface, "-w", file, *filter_],
        "tcpdump -B 65536": ["tcpdump", "-B", "65536", "-i", interface, "-w", file, *filter_],
        "dumpcap": ["dumpcap", "-q", "-i", interface, "-w", file, "-f", " ".join(filter_)],
    }


class Recorder:
    """A recorder that runs; ready once it says that it listens."""

    def __init__(self, namespace, command):
        self.command = command
        self.process = subprocess.Popen(
            ["ip", "netns", "exec", namespace, *command],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        )
        self.said = []
        self.ready = threading.Event()
        threading.Thread(target=self.listen, daemon=True).start()
        if not self.ready.wait(PATIENCE):
            self.process.kill()
            die(f"{command[0]} does not begin: {' '.join(self.said)}")

    def listen(self):
        for line in self.process.stderr:
            self.said.append(line)
            # dumpcap names its file when it has it open, which is after it began
            if "listening on" in line or line.startswith("File:"):
                self.ready.set()

    def used(self):
        """Processor time so far in seconds, of all its threads: its own and the kernel's for it."""
        threads = Path(f"/proc/{self.process.pid}/task").glob("*/schedstat")
        return sum(int(thread.read_text().split()[0]) for thread in threads) / 1e9

    def stop(self):
        """Processor time of the whole process in seconds."""
        self.process.send_signal(signal.SIGINT)
        _, status, used = os.wait4(self.process.pid, 0)
        self.process.returncode = os.waitstatus_to_exitcode(status)
        if self.process.returncode:
            die(f"{self.command[0]} ended with {self.process.returncode}: {' '.join(self.said)}")
        return used.ru_utime + used.ru_stime


def packets(file):
    done = subprocess.run(["capinfos", "-M", "-c", "-T", "-r", file], capture_output=True, text=True)
    try:
        return int(done.stdout.split("\t")[-1])
    except ValueError:
        die(f"capinfos does not read {file}: {done.stdout} {done.stderr}")


def send(namespace, built, payload, count, rate):
    """What the sender reached, in datagrams a second."""
    words = [str(number) for number in (PORT, count, payload, rate)]
    command = ["ip", "netns", "exec", namespace, built / "examples/send", *words]
    sent, nanos = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    if int(sent) != count:
        die(f"the sender sent {sent} of {count}")
    return count * 1e9 / int(nanos)


def measure(namespace, built, folder, interface, payload, rate, rounds):
    """Name to a list of (kept, seconds for them, seconds of the whole process); datagrams sent;
    rates reached."""
    most = PAYLOADS[payload]
    count = min(most, rate * SECONDS) if rate else most
    results, reached = {}, []
    for _ in range(rounds):
        file = folder / "file"
        for name, command in recorders(built, interface, file).items():
            recorder = Recorder(namespace, command)
            before = recorder.used()
            reached.append(send(namespace, built, payload, count, rate))
            time.sleep(SETTLE)
            seconds = recorder.used() - before
            whole = recorder.stop()
            results.setdefault(name, []).append((packets(file), seconds, whole))
            for left in folder.iterdir():
                left.unlink()
    return results, count, reached


def percent(lost, count):
    return "0" if lost == 0 else f"{lost} ({100 * lost / count:.2g} %)"


def dearness(runs):
    """Seconds for a packet kept, in the best run."""
    return min(seconds / max(kept, 1) for kept, seconds, _ in runs)


def row(results, count, rate, reached):
    cells = [f"{rate:,}" if rate else f"most: {statistics.median(reached):,.0f}", f"{count:,}"]
    for runs in results.values():
        lost = max(count - kept for kept, *_ in runs)
        cells.append(f"{percent(lost, count)} / {dearness(runs) * 1e6:.2f}")
    return "| " + " | ".join(cells) + " |"


def beside(all_results):
    """What a process takes besides, to begin and to end: the median of all runs, in ms."""
    cells = ["begin and end", ""]
    for name in all_results[0]:
        runs = [whole - seconds for results in all_results for _, seconds, whole in results[name]]
        cells.append(f"{1000 * statistics.median(runs):.0f} ms")
    return "| " + " | ".join(cells) + " |"


def judge(results, where):
    """Where capture does not do what it is for."""
    worst = {name: min(kept for kept, *_ in runs) for name, runs in results.items()}
    best = {name: dearness(runs) for name, runs in results.items()}
    others = [name for name in results if name != "capture"]
    found = []
    if worst["capture"] < max(worst[name] for name in others):
        name = max(others, key=worst.get)
        found.append(f"{where}: capture kept {worst['capture']}, {name} {worst[name]}")
    name = min(others, key=best.get)
    if best["capture"] > best[name]:
        found.append(f"{where}: {best['capture'] * 1e6:.2f} µs of processor for a packet, {name} {best[name] * 1e6:.2f}")
    return found


def tables(options, namespace, folder):
    lines, short = [], []
    for interface in ("lo", "any"):
        for payload in PAYLOADS:
            names = list(recorders(options.built, interface, ""))
            lines += ["", f"## `-i {interface}`, payloads of {payload} bytes", ""]
            lines.append("| datagrams a second | sent | " + " | ".join(names) + " |")
            lines.append("|---:" * (len(names) + 2) + "|")
            all_results = []
            for rate in RATES[options.size]:
                results, count, reached = measure(
                    namespace, options.built, folder, interface, payload, rate, options.rounds
                )
                lines.append(row(results, count, rate, reached))
                all_results.append(results)
                print(lines[-1], file=sys.stderr)
                short += judge(results, f"-i {interface}, {payload} bytes, {rate or 'most'}")
            lines.append(beside(all_results))
    return lines, short


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--size", choices=RATES, default="full")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path, help="default: docs/bench/capture-DATE-MODEL.md")
    parser.add_argument("--built", type=Path, default=BUILT, help="default: target/release")
    options = parser.parse_args()
    options.built = options.built.resolve()
    for tool in ("ip", "tcpdump", "dumpcap", "capinfos"):
        if not shutil.which(tool):
            die(f"{tool} is missing; run scripts/setup.sh test")
    if os.geteuid() != 0:
        die("a network namespace takes root; run it with sudo")
    today = datetime.date.today().isoformat()
    lines = [
        f"# Recording packets, {today}",
        "",
        f"{model()}, {os.cpu_count()} cores; Linux {platform.release()}; the best of {options.rounds} rounds.",
        "Made by `make bench-capture`: a sender on the loopback of a namespace, one recorder",
        "at a time, files in memory. Each cell is packets lost, in the worst round, and",
        "processor time in µs for a packet kept, in the best one: what all threads of the",
        "recorder take from when it listens to when all is in the file. The last row is what it",
        "takes besides (mostly the kernel's room for packets, 64 MiB of capture and of",
        "tcpdump -B 65536; on a virtual machine it depends on the host). What the",
        "kernel does for it in the sender's process is not in it. A recorder has",
        f"{SETTLE} s before it is stopped: the tail that tcpdump would lose counts as kept. Rates are",
        "those asked of the sender; beyond what its last row says it does what it can.",
    ]
    namespace = f"bench{os.getpid()}"
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    subprocess.run(["ip", "netns", "add", namespace], check=True)
    try:
        subprocess.run(["ip", "-n", namespace, "link", "set", "lo", "up"], check=True)
        with tempfile.TemporaryDirectory(prefix="bench", dir=memory) as name:
            found, short = tables(options, namespace, Path(name))
    finally:
        subprocess.run(["ip", "netns", "del", namespace], check=False)
    lines += found
    lines += ["", "## Where capture is not ahead of all", ""]
    lines += [f"- {one}" for one in short] or ["Nowhere: it lost nothing that another kept, for the least time."]
    lines += ["", "## Versions", ""]
    for command in (["tcpdump", "--version"], ["dumpcap", "--version"], [options.built / "capture", "--version"], ["rustc", "--version"]):
        lines.append(f"- {version(*command)}")
    libpcap = version("sh", "-c", "tcpdump --version 2>&1 | grep libpcap")
    lines.append(f"- {libpcap}")
    text = "\n".join(lines) + "\n"
    out = options.out
    if out is None:
        slug = "-".join("".join(c if c.isalnum() else " " for c in model()).lower().split()[:4])
        out = TOP / "docs/bench" / f"capture-{today}-{slug}.md"
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(text)
    print(text)


if __name__ == "__main__":
    main()
