#!/usr/bin/env python3
"""Tells the ratios of several pages of `make bench` together.

    pages.py PAGE...

On a machine that others share, what one run finds the next does not: all rounds of the pages
count alike. Python 3.11, standard library only.
"""
import re
import statistics
import sys
from pathlib import Path

# the checkout stays clean
sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))
import bench
import page


def die(words):
    sys.exit(f"pages.py: {words}")


def sections(text):
    """Of each capture: its name, and of each program the wall times of the rounds."""
    for part in text.split("\n## ")[1:]:
        name, _, rest = part.partition(":")
        if name in bench.CAPTURES:
            raw = rest.partition("```\n")[2].partition("```")[0]
            lines = (re.fullmatch(r"(.+?)  +([\d. ]+)", line) for line in raw.splitlines())
            yield name, {line[1]: [float(one) for one in line[2].split()] for line in lines}


def main(paths):
    if not paths:
        die("name the pages to read, such as docs/bench/2026-11-27-*.md")
    rounds = {}
    for path in paths:
        try:
            text = Path(path).read_text()
        except OSError as e:
            die(f"{path}: cannot be read: {e.strerror}; check the name")
        if ", size full.\n" not in text:
            die(f"{path}: no page of the full size; name one that make bench wrote")
        for capture, times in sections(text):
            for name, others, *_ in (*bench.RATIOS, bench.CAPTURES[capture][1]):
                key = (capture, page.versus(name, others))
                rounds.setdefault(key, {})[path] = page.of_rounds(times, name, others)
    print("| capture | what | median | half of the rounds | rounds |", "|---|---|---:|---:|---:|", sep="\n")
    for (capture, what), of_pages in sorted(rounds.items()):
        ratios = [one for of_page in of_pages.values() for one in of_page]
        print(f"| {capture} | {what} | {statistics.median(ratios):.2f} | {page.half(ratios)} | {len(ratios)} |")


if __name__ == "__main__":
    main(sys.argv[1:])
