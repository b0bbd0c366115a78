"""What bench.py found, as a page: goals, tables, rounds, machine and versions."""
import os
import platform
import statistics
import subprocess
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
# a process is measured from before its program is loaded, so less cannot be told
LEAST_MEMORY = 20


class Goals:
    """What was to be reached and what was: rows for a section, and all of them for the head."""

    def __init__(self):
        self.all, self.missed = 0, []

    def row(self, section, name, found, sign="", bound=None, unit="", shown=None, half="", best=""):
        """A row of a table; without a bound it is no goal. Only told: `half`, between what half of the rounds
        are, and `best`, the same of the best times."""
        found_text = shown or f"{found:.2f}{unit}"
        if bound is None:
            return f"| {name} | {found_text} | {half} | {best} | | |"
        if sign == "between":
            met, goal = bound[0] <= found <= bound[1], f"{bound[0]:g} to {bound[1]:g}{unit}"
        else:
            met = {"below": found < bound, "at most": found <= bound, "at least": found >= bound}[sign]
            goal = f"{sign} {bound:g}{unit}"
        self.all += 1
        if not met:
            self.missed.append(f"{section}, {name}: {found_text}, the goal is {goal}")
        return f"| {name} | {found_text} | {half} | {best} | {goal} | {'met' if met else '**not met**'} |"

    def said(self):
        """The first lines of the page."""
        met = f"{self.all - len(self.missed)} of {self.all} goals are met."
        return [met, *(["", "Not met:", "", *(f"- {one}" for one in self.missed)] if self.missed else [])]


HEAD = ["| what | found | half of the rounds | at best | goal | |", "|---|---:|---:|---:|---|---|"]


def commit():
    """The commit that is measured, with + where files differ from it."""
    def git(*words):
        return subprocess.run(["git", "-C", TOP, *words], capture_output=True, text=True, check=True).stdout.strip()
    try:
        return git("rev-parse", "--short", "HEAD") + ("+" if git("status", "--porcelain", "--untracked-files=no") else "")
    except (OSError, subprocess.CalledProcessError):
        return "not known"


def version(*command):
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:
        return "not installed"
    lines = (done.stdout + done.stderr).splitlines()
    return next((line for line in lines if line.strip() and not line.startswith("Running")), "?")


def versions(built):
    commands = [[tool, "--version"] for tool in ("tcpdump", "tshark", "capinfos", "gzip", "zstd")]
    commands += [["tcptrace", "-version"], [built / "analyze", "--version"], ["rustc", "--version"]]
    rows = []
    for command in commands:
        found = version(*command).removeprefix("Version: ")
        rows.append(f"- {command[0]}: {found}" if found == "not installed" else f"- {found}")
    return ["", "## Versions", "", *rows]


def model():
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def machine():
    installed = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") >> 30
    return f"{model()}, {os.cpu_count()} cores, {installed} GiB; Linux {platform.release()}"


def memory(mb):
    return f"below {LEAST_MEMORY} MB" if mb < LEAST_MEMORY else f"{mb:.0f} MB"


def holds(made, active):
    """What a capture holds, in a sentence."""
    number, lines, again = (made[name] for name in ("conversations", "to_server", "sent_again"))
    text = f"Lines that are answered: {lines:,}; sent again: {again:,}. "
    if active < number:
        return text + f"Of the {number:,} conversations {active:,} are open at once: where one ends, the next begins."
    return text + "All conversations are open at once."


def table(results):
    rows = ["| program | wall, best | wall, median | processor, best | memory | rounds |", "|---|---:|---:|---:|---:|---:|"]
    for name, times in results.items():
        walls = [wall for wall, _, _ in times]
        rows.append(
            f"| {name} | {min(walls):.3f} s | {statistics.median(walls):.3f} s "
            f"| {min(cpu for _, cpu, _ in times):.3f} s | {memory(max(mem for *_, mem in times))} | {len(times)} |"
        )
    return rows


def rounds(results):
    """Wall times as they were measured, one program a line."""
    width = max(map(len, results))
    lines = [f"{name:{width}}  {' '.join(f'{wall:.3f}' for wall, _, _ in times)}" for name, times in results.items()]
    return ["", "Wall times of the rounds, in seconds:", "", "```", *lines, "```"]


def versus(name, others):
    """What a ratio is of."""
    return f"{name} : {', or '.join(others)}"


def of_rounds(walls, name, others):
    """The ratio of each round: to the longest of the others."""
    rounds = zip(walls[name], *(walls[other] for other in others))
    return [one / max(rest) for one, *rest in rounds]


def half(ratios):
    """Between what half of them lie; nothing of a single one."""
    if len(ratios) < 2:
        return ""
    low, _, high = statistics.quantiles(ratios, n=4, method="inclusive")
    return f"{low:.2f} to {high:.2f}"


def ratios(goals, section, results, wanted, most_memory):
    """Ratios are of each round, since all in it share its load; told is the median of those. Beside it
    the quartiles, and the ratio of the best times: what else the machine does only adds to them."""
    walls = {name: [wall for wall, *_ in times] for name, times in results.items()}

    def best(name, others):
        one, *rest = (min(walls[each]) for each in (name, *others))
        return f"{one / max(rest):.2f}"

    rows = list(HEAD)
    for name, others, *goal in wanted:
        found = of_rounds(walls, name, others)
        told = {"half": half(found), "best": best(name, others)}
        rows.append(goals.row(section, versus(name, others), statistics.median(found), *goal, **told))
    slow = "tshark -q -z conv,tcp"
    if slow in results:
        usual = statistics.median(wall for wall, *_ in results["analyze pcap"])
        rows.append(goals.row(section, f"{slow} : analyze pcap", results[slow][0][0] / usual, "at least", 100))
    ours = [times for name, times in results.items() if name.startswith(("analyze", "one thread"))]
    most = max(mem for times in ours for *_, mem in times)
    rows.append(goals.row(section, "memory of analyze, the most of all runs", most, "below", most_memory, " MB", memory(most)))
    return rows


def busy(results):
    """Below what decompression beside analysis cannot come."""
    cores = os.cpu_count() or 1
    least = sum(min(cpu for _, cpu, _ in results[name]) for name in ("analyze pcap", "zstd -dc")) / cores
    return ["", f"Analysis keeps {cores} cores busy by itself: with decompression beside it, pcap.zst can take no less than {least:.3f} s here."]
