# Shell functions that demo, test and the scripts share. Sourced, never run.
# shellcheck shell=bash

top=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
# Some accounts do not have the folders of ip, nft and tcpdump in their PATH.
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
target=$(realpath -m "${CARGO_TARGET_DIR:-$top/target}")

note() { printf '== %s\n' "$*" >&2; }

die() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit 2
}

# Runs a command with root's rights: as it is for root, else through sudo.
as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    else
        sudo -n -- "$@"
    fi
}

# Makes sure that as_root will work; $1 says what it is needed for.
need_root() {
    [ "$(id -u)" -eq 0 ] && return
    command -v sudo >/dev/null ||
        die "$1 needs root, and there is no sudo here. Run this as root, or install sudo."
    sudo -n true 2>/dev/null && return
    if [ -t 0 ]; then
        sudo -v || die "$1 needs root, and sudo refused. Run this as root."
    else
        die "$1 needs root, and sudo asks for a password that nobody can type here. Run 'sudo -v' first, or run this as root."
    fi
}

# --- Rust ---------------------------------------------------------------

rust_needed() { sed -n 's/^rust-version = "\(.*\)"$/\1/p' "$top/Cargo.toml"; }

# True if version $1 is at least version $2.
at_least() { [ "$(printf '%s\n%s\n' "$1" "$2" | sort -V | head -n 1)" = "$2" ]; }

# The version that the program $1 (cargo or rustc, with its folder) tells.
version_of() { "$1" --version 2>/dev/null | awk '{ sub(/-.*/, "", $2); print $2; exit }'; }

# True if folder $1 holds a cargo and a rustc that are new enough.
rust_in() {
    local tool version
    for tool in cargo rustc; do
        [ -x "$1/$tool" ] || return 1
        version=$(version_of "$1/$tool")
        [ -n "$version" ] && at_least "$version" "$(rust_needed)" || return 1
    done
}

# Puts a Rust that is new enough first in PATH; false if there is none.
choose_rust() {
    local found folder
    found=$(command -v cargo || true)
    for folder in "${found%/*}" "${CARGO_HOME:-${HOME:-}/.cargo}/bin" /usr/bin; do
        if [ -n "$folder" ] && rust_in "$folder"; then
            # Nothing to do where it stands first: PATH stays as the user has it.
            [ "$folder" = "${found%/*}" ] || PATH=$folder:$PATH
            return
        fi
    done
    return 1
}

# What root made in the target folder of another user shall not stay root's.
give_back() {
    [ -d "$target" ] || return 0
    if [ "$(stat -c %u "$top")" -ne 0 ] && [ -n "$(find "$target" -user 0 -print -quit)" ]; then
        as_root chown -R --reference="$top/Cargo.toml" "$target"
    fi
}

# --- A temporary folder, and an end that leaves nothing behind -----------

work=""

# Makes the folder $work. However the script ends, all that it started, the
# namespaces that it made and the folder are gone then.
make_work() {
    work=$(mktemp -d)
    trap cleanup EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP
}

cleanup() {
    end_started
    remove_hosts
    cd "$top" || true
    rm -rf -- "$work"
    give_back
}

# --- Programs in the background -----------------------------------------
# Each is known by a name: $work/NAME.pid holds its process id, NAME.out and
# NAME.err what it prints.

started=()
declare -A job=()

# start NAME [as_root] COMMAND...
start() {
    local name=$1 prefix=()
    shift
    [ "$1" = as_root ] && prefix=(as_root) && shift
    # The inner shell writes its own id and then becomes the program. The id of
    # the sudo before it would not do: sudo passes no signals on from its own
    # process group.
    # shellcheck disable=SC2016 # the inner shell expands these
    "${prefix[@]}" bash -c 'echo $$ >"$0"; exec "$@"' "$work/$name.pid" "$@" \
        </dev/null >"$work/$name.out" 2>"$work/$name.err" &
    job[$name]=$!
    started+=("$name")
}

# Waits until a line of NAME's output on stderr matches PATTERN, and prints it.
# Fails at once if NAME ends before, or after 30 s.
wait_for_line() {
    local name=$1 pattern=$2 end=$((SECONDS + 30))
    until grep -m 1 -E -- "$pattern" "$work/$name.err" 2>/dev/null; do
        if ! kill -0 "${job[$name]}" 2>/dev/null; then
            # It may have printed the line and ended between the two looks.
            grep -m 1 -E -- "$pattern" "$work/$name.err" && return
            fail_of "$name" "ended before it said \"$pattern\""
        fi
        [ "$SECONDS" -lt "$end" ] || fail_of "$name" "has not said \"$pattern\" in 30 s"
        sleep 0.02
    done
}

# Waits for NAME to end by itself; fails if it fails or takes over 60 s.
wait_for_end() {
    local name=$1 end=$((SECONDS + 60)) status=0
    while kill -0 "${job[$name]}" 2>/dev/null; do
        [ "$SECONDS" -lt "$end" ] || fail_of "$name" "has not ended in 60 s"
        sleep 0.02
    done
    wait "${job[$name]}" || status=$?
    unset "job[$name]"
    [ "$status" -eq 0 ] || fail_of "$name" "ended with status $status"
}

# Asks NAME to stop, and waits for it.
stop() {
    signal "$1" TERM
    wait_for_end "$1"
}

# signal NAME SIGNAL. The shell's own kill: a bare Debian has no other.
signal() {
    # shellcheck disable=SC2016 # the inner shell expands these
    as_root bash -c 'kill -s "$0" "$1"' "$2" "$(cat "$work/$1.pid")"
}

fail_of() {
    sed "s/^/  $1: /" "$work/$1.err" >&2 || true
    die "$1 $2; what it said stands above."
}

# Ends what still runs of what was started: asks, and after 5 s does not ask.
end_started() {
    local name end
    for name in "${started[@]}"; do
        [ -n "${job[$name]:-}" ] || continue
        if [ -s "$work/$name.pid" ]; then
            signal "$name" TERM 2>/dev/null || true
            end=$((SECONDS + 5))
            while kill -0 "${job[$name]}" 2>/dev/null && [ "$SECONDS" -lt "$end" ]; do
                sleep 0.02
            done
            if kill -0 "${job[$name]}" 2>/dev/null; then
                signal "$name" KILL 2>/dev/null || true
            fi
        fi
        wait "${job[$name]}" 2>/dev/null || true
        unset "job[$name]"
    done
}

# --- Two hosts on one machine -------------------------------------------

client_host=""
server_host=""
client_address=192.0.2.1
server_address=192.0.2.2

# Makes two network namespaces joined by a veth pair, and waits for the link.
# The devices are made inside, so no name of the machine's own is taken.
two_hosts() {
    client_host=echotrace-client-$$
    server_host=echotrace-server-$$
    as_root ip netns add "$client_host" ||
        die "cannot make a network namespace. This needs root's full rights (CAP_SYS_ADMIN), as on a real or virtual machine."
    as_root ip netns add "$server_host"
    as_root ip -n "$client_host" link add eth0 type veth peer name eth0 netns "$server_host"
    as_root ip -n "$client_host" address add "$client_address/24" dev eth0
    as_root ip -n "$server_host" address add "$server_address/24" dev eth0
    local host end=$((SECONDS + 30))
    for host in "$client_host" "$server_host"; do
        as_root ip -n "$host" link set lo up
        as_root ip -n "$host" link set eth0 up
    done
    for host in "$client_host" "$server_host"; do
        until as_root ip -n "$host" -o link show dev eth0 | grep -q 'state UP'; do
            [ "$SECONDS" -lt "$end" ] || die "the link between the two namespaces did not come up in 30 s."
            sleep 0.02
        done
    done
}

remove_hosts() {
    local host
    for host in $client_host $server_host; do
        as_root ip netns del "$host" 2>/dev/null || true
    done
    client_host=""
    server_host=""
}

# --- One recorded run ---------------------------------------------------

# record_run NAME PORT FILE...: records one run of server and client with one
# `capture -i any` for each FILE. All programs run on this machine, or with
# two_hosts the server on one host and capture and client on the other.
# PORT 0 lets the server choose. Prints what client and capture say.
record_run() {
    local name=$1 port=$2 address=127.0.0.1 file i=0
    local in_client_host=() on_client=() on_server=()
    shift 2
    if [ -n "$client_host" ]; then
        address=$server_address
        in_client_host=(ip netns exec "$client_host")
        # Only entering a namespace needs root: the programs run as the caller.
        local caller=()
        [ "$(id -u)" -eq 0 ] || caller=(setpriv "--reuid=$(id -u)" "--regid=$(id -g)" --clear-groups)
        on_client=(as_root "${in_client_host[@]}" "${caller[@]}")
        on_server=(as_root ip netns exec "$server_host" "${caller[@]}")
    fi

    start "$name-server" "${on_server[@]}" "$target/release/server" \
        -p "$port" --bind "$address" --framing line -1 --output "$work/$name-out.txt"
    port=$(wait_for_line "$name-server" 'listening on port [0-9]+' | grep -oE '[0-9]+$')
    note "server -p $port --bind $address -1"

    for file in "$@"; do
        i=$((i + 1))
        start "$name-capture$i" as_root "${in_client_host[@]}" "$target/release/capture" \
            -i any --port "$port" -w "$file"
        wait_for_line "$name-capture$i" '^listening on any' >/dev/null
        note "capture -i any --port $port -w ${file##*/}"
    done

    note "client $address -p $port -f in-proj.txt"
    "${on_client[@]}" "$target/release/client" "$address" -p "$port" -f "$top/in-proj.txt" \
        --framing line </dev/null
    wait_for_end "$name-server"
    for ((i = 1; i <= $#; i++)); do
        stop "$name-capture$i"
        cat "$work/$name-capture$i.err" >&2
    done
}
