#!/usr/bin/env bash
# Writes docs/ANSWERS.md anew: its introduction stays, up to and with the
# marker line; what stands below is what analyze says of the two captures.
set -euo pipefail
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

"$top/scripts/setup.sh" build
choose_rust
make_work
cd "$top"
cargo build --quiet --release --locked --bins
{
    sed '/^<!-- analyze: /q' docs/ANSWERS.md
    echo
    "$target/release/analyze" --format markdown captures/proj1_part1.pcap captures/proj1_part2.pcap </dev/null
} >"$work/answers.md"
cat "$work/answers.md" >docs/ANSWERS.md
