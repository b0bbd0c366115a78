"""Recomputes the digest of each conversation's messages from the rows on standard input."""

import json
import struct
import sys

MASK = (1 << 64) - 1


def fnv1a(data):
    value = 0xCBF29CE484222325
    for byte in data:
        value = ((value ^ byte) * 0x100000001B3) & MASK
    return value


sums, counts, compared = {}, {}, 0
for line in sys.stdin:
    row = json.loads(line)
    key = (row.get("capture"), row.get("conversation", row.get("id")))
    if row["type"] == "message":
        way = ("to_server", "to_client").index(row["direction"])
        number = counts.setdefault(key, [0, 0])
        assert row["number"] == number[way], f"number {row['number']}, not {number[way]}"
        number[way] += 1
        frames = [packet["frame"] for packet in row["packets"]]
        data = struct.pack(
            "<QQQQQB", row["number"], row["offset"], row["length"], frames[0], frames[-1], way
        )
        sums[key] = (sums.get(key, 0) + fnv1a(data)) & MASK
    elif row["type"] == "conversation":
        said = row["messages"]
        found = f"{sums.get(key, 0):016x}"
        assert found == said["digest"], f"{key}: {found}, not {said['digest']}"
        assert counts.get(key, [0, 0]) == [said["to_server"], said["to_client"]], key
        compared += 1
print(compared)
