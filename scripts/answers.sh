#!/usr/bin/env bash
# Writes docs/ANSWERS.md and docs/VIEWS.md anew. Of the first the introduction
# stays, up to and with the marker line, and below stands what analyze says of
# the two captures; of the second all stays but the outputs of its commands.
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

# console blocks hold a command, then what it wrote
PATH="$target/release:$PATH"
export COLUMNS=80
in_block=""
while IFS= read -r line; do
    case $in_block$line in
    '```console') in_block=yes ;;
    'yes$ '*)
        printf '%s\n' "$line"
        # the command's own words, from our own document
        bash -c "set -o pipefail; ${line#\$ }" </dev/null
        in_block=output
        continue
        ;;
    'output```') in_block="" ;;
    output*) continue ;;
    esac
    printf '%s\n' "$line"
done <docs/VIEWS.md >"$work/views.md"
cat "$work/views.md" >docs/VIEWS.md
