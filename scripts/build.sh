#!/usr/bin/env bash
# Builds the four programs into target/release.
set -euo pipefail
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

"$top/scripts/setup.sh" build
choose_rust
cargo build --release --locked --manifest-path "$top/Cargo.toml" --bins
