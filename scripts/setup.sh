#!/usr/bin/env bash
# Installs on Debian 12 what is missing for the roles named:
#   build   what a build needs: libpcap's development package, a C linker, Rust
#   demo    what ./demo needs besides: network namespaces
#   test    what ./test needs besides: the programs that the tests compare with
#   bench   what `make bench` compares with besides
#   lint    what `make lint` needs besides
# Asks the network only if something is missing. Safe to run again.
set -euo pipefail
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

# Rust of Debian 12, as the security archive carries it for browsers.
rust_packages=(rustc-web cargo-web)
rust_lint_packages=(rustfmt-web rust-web-clippy)

packages_of() {
    case $1 in
    build) echo libpcap-dev gcc libc6-dev ca-certificates ;;
    demo) echo iproute2 ;;
    test) echo iproute2 nftables python3 tcpdump tshark zstd lz4 strace libcap2-bin bsdutils ;;
    bench) echo iproute2 python3 tcpdump tshark zstd tcptrace valgrind ;;
    lint) echo make shellcheck ;;
    *) die "unknown role '$1'. The roles are build, demo, test, bench and lint." ;;
    esac
}

is_installed() { [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

updated=""

# Package lists that were fetched long ago, or never, name files that are gone.
update_lists() {
    [ -z "$updated" ] || return 0
    retry as_root apt-get -qq update
    updated=yes
}

retry() {
    local try
    for try in 1 2 3; do
        "$@" && return
        [ "$try" -eq 3 ] || { note "try $try failed, again in 5 s: $*" && sleep 5; }
    done
    die "failed three times: $*. Check the network and apt's sources, then run this again."
}

# install PACKAGE...: those that are missing. No question may wait for an answer.
install() {
    local package missing=()
    for package in $(printf '%s\n' "$@" | sort -u); do
        is_installed "$package" || missing+=("$package")
    done
    [ "${#missing[@]}" -gt 0 ] || return 0
    command -v apt-get >/dev/null ||
        die "these Debian packages, or what your system calls them, are missing: ${missing[*]}. There is no apt-get here: install them by hand."
    need_root "installing ${missing[*]}"
    update_lists
    note "installing ${missing[*]}"
    retry as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends \
        -o DPkg::Lock::Timeout=120 -o Dpkg::Use-Pty=0 -o Dpkg::Options::=--force-confold \
        "${missing[@]}" </dev/null >/dev/null
}

install_rust() {
    choose_rust && return
    local needed candidate
    needed=$(rust_needed)
    command -v apt-cache >/dev/null ||
        die "Rust $needed or newer is missing. Install it, for example with rustup."
    need_root "installing Rust"
    update_lists
    candidate=$(apt-cache policy "${rust_packages[0]}" | sed -n 's/^ *Candidate: *//p')
    at_least "${candidate:-0}" "$needed" ||
        die "Rust $needed or newer is missing, and apt offers ${candidate:-none} as ${rust_packages[0]}. Add Debian's security archive (suite bookworm-security) to apt's sources, or install Rust with rustup."
    install "${rust_packages[@]}"
    choose_rust || die "Rust was installed, but no cargo and rustc of version $needed or newer is found in PATH or /usr/bin."
}

install_rust_lint() {
    if cargo fmt --version && cargo clippy --version; then
        return
    fi >/dev/null 2>&1
    case $(command -v cargo) in
    /usr/bin/cargo) install "${rust_lint_packages[@]}" ;;
    *) die "cargo fmt or cargo clippy is missing for $(command -v cargo). Run: rustup component add rustfmt clippy" ;;
    esac
}

[ "$#" -gt 0 ] || die "name at least one role: build, demo, test, lint."
packages=()
for role in "$@"; do
    list=$(packages_of "$role")
    # shellcheck disable=SC2206 # names without spaces, to be split
    packages+=($list)
done
# All at once, and before Rust: the crate pcap looks for libpcap when it is
# first built, and does not look again.
install "${packages[@]}"
install_rust
for role in "$@"; do
    [ "$role" != lint ] || install_rust_lint
done
