#!/usr/bin/env bash
# Records captures/proj1_part1 and proj1_part2 anew, each as .pcap (with its
# sidecar) and .pcapng at the same time, so that both hold the same packets.
# Needs root, and port 50007 free. See captures/README.md.
set -euo pipefail
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

need_root "recording packets"
"$top/scripts/setup.sh" build demo
choose_rust
make_work
cargo build --quiet --release --locked --manifest-path "$top/Cargo.toml" --bins

record_run part1 50007 "$work/proj1_part1.pcap" "$work/proj1_part1.pcapng"
two_hosts
record_run part2 50007 "$work/proj1_part2.pcap" "$work/proj1_part2.pcapng"

# Only a whole new set takes the place of the old one.
for file in "$work"/proj1_part*.pcap*; do
    install -m 644 "$file" "$top/captures/"
    [ "$(id -u)" -ne 0 ] || chown --reference="$top/Cargo.toml" "$top/captures/${file##*/}"
done
note "recorded; docs/ANSWERS.md follows with: make answers"
