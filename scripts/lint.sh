#!/usr/bin/env bash
# All that is checked without running the programs. Warnings are errors.
set -euo pipefail
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

"$top/scripts/setup.sh" build lint
choose_rust
cd "$top"

note "shell scripts"
scripts=(demo test .ci/run scripts/*.sh)
for script in "${scripts[@]}"; do
    bash -n "$script"
done
shellcheck --severity=warning --external-sources --source-path=SCRIPTDIR "${scripts[@]}"

note "cargo fmt --check"
cargo fmt --check
note "cargo clippy"
cargo clippy --quiet --locked --all-targets -- -D warnings
cargo clippy --quiet --locked --no-default-features --all-targets -- -D warnings
note "cargo doc"
RUSTDOCFLAGS="-D warnings" cargo doc --quiet --locked --no-deps --lib

note "analyze without libpcap"
cargo build --quiet --locked --no-default-features --bin analyze
linked=$(ldd "$target/debug/analyze")
case $linked in
*libpcap*) die "analyze links libpcap although it was built without the feature 'live': $linked" ;;
esac
