#!/usr/bin/env python3
"""Counts what analyze executes: the same number on a busy machine as on a quiet one.

    instructions.py [--write] [--built FOLDER]

First a small capture as `generate` makes it, against the number in instructions.json beside
this: more than 5 % above it fails, and --write writes the number anew. Then captures made to be
dear, on one interface and in one instant on several, twice: with as many packets and with two
times as many. Twice the packets may not cost more than 2.3 times as much, no packet more than ten
times an ordinary one, and conversations whose addresses and ports were chosen to collide no more
than any others. Needs valgrind and the release build. Python 3.11, standard library only.
"""
import argparse
import json
import os
import random
import re
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
BUILT = Path(os.environ.get("CARGO_TARGET_DIR") or TOP / "target") / "release"
KNOWN = Path(__file__).with_name("instructions.json")
MORE = 1.05
LINEAR = 2.3
COLLIDING = 1.15
# times an ordinary conversation's packet: what grows up to a bound may be linear, and dear
DEAREST = 10
ORDINARY = ["--packets=20000", "--conversations=20", "--loss=5"]


def die(words):
    sys.exit(f"instructions.py: {words}")


def executed(built, path):
    """Instructions of one run, and what it counted."""
    command = ["valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"]
    command += [built / "analyze", "--threads", "1", "--format", "json", path]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    found = re.search(r"I\s+refs:\s+([\d,]+)", done.stderr)
    if done.returncode or not found:
        die(f"valgrind ended with {done.returncode}: {done.stderr[-500:]}")
    return int(found[1].replace(",", "")), json.loads(done.stdout)["captures"][0]


RAW, SLL2 = 101, 276


def packet(source, destination, ports, seq, flags, payload=b"", ip_id=0):
    """A raw IPv4 packet with a TCP segment."""
    tcp = struct.pack(">HHIIBBHHH", *ports, seq & 0xFFFFFFFF, 1, 0x50, flags, 1000, 0, 0)
    length = 20 + len(tcp) + len(payload)
    ip = struct.pack(">BBHHHBBHII", 0x45, 0, length, ip_id & 0xFFFF, 0x4000, 64, 6, 0, source, destination)
    return ip + tcp + payload


def capture(path, packets, link_type=RAW):
    """One packet a millisecond; on several interfaces all are in one instant."""
    with path.open("wb") as out:
        out.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, link_type))
        for at, data in enumerate(packets):
            at = at if link_type == RAW else 0
            out.write(struct.pack("<IIII", at // 1000, at % 1000 * 1000, len(data), len(data)))
            out.write(data)


SYN, ACK = 2, 16
HERE, THERE = 0x0A000001, 0x0A000002


def opened(conversations):
    """All SYNs, then a segment in each conversation: one look-up that finds nothing, one that does."""
    conversations = list(conversations)
    for *ends, ports in conversations:
        yield packet(*ends, ports, 0, SYN)
    for *ends, ports in conversations:
        yield packet(*ends, ports, 1, ACK, b"x\n")


def ordinary(count):
    """Conversations of addresses and ports as they come."""
    dice = random.Random(1)

    def ends():
        return dice.getrandbits(32), dice.getrandbits(32), (dice.randrange(1024, 65536), 80)
    return opened(ends() for _ in range(count // 2))


def same_xor(count):
    """The exclusive or of addresses is the same for all, and that of ports."""
    def ends(at):
        low, high = at % 4096, at // 4096
        source = 0x0A000000 + low * 16 + high
        return source, source ^ 0x00F0F0F0, (1024 + low, (1024 + low) ^ 0x0FFF)
    return opened(map(ends, range(count // 2)))


def same_sum(count):
    """The sum of addresses is the same for all, and that of ports."""
    def ends(at):
        return 0x0A000000 + at, 0x14000000 - at, (1024 + at % 30000, 64000 - at % 30000)
    return opened(map(ends, range(count // 2)))


def reverse(count):
    """Segments of one byte, the last first."""
    yield packet(HERE, THERE, (5000, 80), 0, SYN)
    for at in range(count, 0, -1):
        yield packet(HERE, THERE, (5000, 80), at, ACK, b"x")


def overlapping(count):
    """Each segment begins with half of the one before."""
    yield packet(HERE, THERE, (5000, 80), 0, SYN)
    for at in range(count):
        yield packet(HERE, THERE, (5000, 80), 1 + at * 20, ACK, b"0123456789abcdefghi\n" * 2)


def syns(count):
    """Each opens the same two endpoints anew."""
    for at in range(count):
        yield packet(HERE, THERE, (5000, 80), at * 77777, SYN)


def holes(count):
    """Every other segment of ten bytes is missing."""
    yield packet(HERE, THERE, (5000, 80), 0, SYN)
    for at in range(count):
        yield packet(HERE, THERE, (5000, 80), 1 + at * 20, ACK, b"123456789\n")


def on(interface, data):
    """A packet as one interface of several recorded it."""
    return struct.pack(">HHIHBB8s", 0x0800, 0, interface, 1, 0, 6, b"\2\0\0\0\0\1") + data


def unlike(count):
    """Each segment on two interfaces, with other bytes on the second."""
    for at in range(count // 2):
        for interface, payload in ((1, b"0123456789"), (2, b"abcdefghij")):
            yield on(interface, packet(HERE, THERE, (5000, 80), at * 10, ACK, payload, at))


def apart(count):
    """Segments by turns on two interfaces, of which none has what the other had."""
    for at in range(count):
        yield on(1 + at % 2, packet(HERE, THERE, (5000, 80), at * 20, ACK, b"0123456789", at))


def everywhere(count):
    """One packet, once on each of as many interfaces."""
    for at in range(count):
        yield on(1 + at, packet(HERE, THERE, (5000, 80), 1, ACK, b"hello\n"))


def again(count):
    """One packet, many times on one interface after another."""
    for at in range(count):
        yield on(1 + at * 20 // count, packet(HERE, THERE, (5000, 80), 1, ACK))


def beside(count):
    """One packet, many times on one interface, where another interface had something else."""
    yield on(2, packet(HERE, THERE, (5000, 80), 1, ACK, b"q", 3))
    for _ in range(count):
        yield on(1, packet(HERE, THERE, (5000, 80), 1, ACK))


ON_ONE = (ordinary, same_xor, same_sum, reverse, overlapping, syns, holes)
ON_SEVERAL = (unlike, apart, everywhere, again, beside)


def dear(built, folder):
    """The captures made to be dear; what was wrong."""
    path, wrong, each = folder / "dear.pcap", [], {}
    for make in ON_ONE + ON_SEVERAL:
        costs = []
        for count in (6000, 12000):
            capture(path, make(count), SLL2 if make in ON_SEVERAL else RAW)
            cost, counted = executed(built, path)
            if counted["damage"] or counted["tcp_packets"] < count:
                wrong.append(f"{make.__name__}: {counted['tcp_packets']} of {count} packets")
            costs.append(cost)
        ratio = costs[1] / costs[0]
        each[make.__name__] = costs[1] / 12000
        print(f"{make.__name__:12} {each[make.__name__]:9.0f} a packet, {ratio:.2f} times with twice as many")
        if ratio > LINEAR:
            wrong.append(f"{make.__name__}: twice the packets cost {ratio:.2f} times as much, over {LINEAR}")
    for name, cost in each.items():
        if cost > DEAREST * each["ordinary"]:
            wrong.append(f"{name}: {cost:.0f} instructions a packet, over {DEAREST} times those of an ordinary one")
    for name in ("same_xor", "same_sum"):
        if each[name] > COLLIDING * each["ordinary"]:
            wrong.append(f"{name}: conversations made to collide cost more than others")
    return wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--write", action="store_true", help="write the number that is found")
    parser.add_argument("--built", type=Path, default=BUILT, help="default: target/release")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="instructions") as name:
        path = Path(name) / "ordinary.pcap"
        generate = [options.built / "examples/generate", *ORDINARY, "--write", path]
        made = json.loads(subprocess.run(generate, check=True, stderr=subprocess.PIPE, text=True).stderr)
        cost, counted = executed(options.built, path)
        if counted["packets"] != made["packets"]:
            die(f"analyze counted {counted['packets']} packets of {made['packets']}")
        found = round(cost / made["packets"])
        if options.write:
            KNOWN.write_text(json.dumps({"instructions_per_packet": found}) + "\n")
        known = json.loads(KNOWN.read_text())["instructions_per_packet"]
        print(f"{found} instructions a packet, {known} known")
        wrong = dear(options.built, Path(name))
    if found > known * MORE:
        wrong.append(
            f"{found} instructions a packet are more than {known} by over 5 %. Find out why "
            "(valgrind --tool=callgrind), or run this with --write and say in the commit what they buy"
        )
    elif found < known / MORE:
        print("less by over 5 %: keep the gain, run this with --write")
    if wrong:
        die("\n  ".join(["", *wrong]))


if __name__ == "__main__":
    main()
