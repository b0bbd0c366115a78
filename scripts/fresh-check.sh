#!/usr/bin/env bash
# Proves on a Debian 12 with nothing else installed that ./demo and ./test
# work from a fresh clone: debootstrap into a temporary folder, then both in it.
#
#   scripts/fresh-check.sh [COMMAND...]    default: ./demo, then ./test
#
# The last commit of this checkout is tested. Needs root, debootstrap, git and
# about 4 GB. What this machine needs to reach the network (apt's Acquire
# settings, resolver, proxies, certificate authorities, Cargo's settings) is
# read from it and given to the new system; nothing of it enters the project.
set -euo pipefail
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

[ "$(id -u)" -eq 0 ] || die "needs root: it mounts, and changes its root folder. Run: sudo make fresh-check"
for tool in debootstrap git unshare; do
    command -v "$tool" >/dev/null || die "$tool is missing. Run: apt-get install $tool"
done
[ "$#" -gt 0 ] || set -- "./demo && ./test"

make_work
new=$work/debian
# Where the clone and Cargo's files go, seen from inside.
home=/srv/home

# The archive that this machine's own apt uses for suite $1, else $2.
archive_of() {
    apt-get indextargets --format '$(REPO_URI) $(CODENAME)' 'Identifier: Packages' 2>/dev/null |
        awk -v suite="$1" -v other="$2" '$2 == suite { other = $1; exit } END { print other }'
}
main_archive=$(archive_of bookworm http://deb.debian.org/debian)
security_archive=$(archive_of bookworm-security http://deb.debian.org/debian-security)

note "debootstrap bookworm"
debootstrap --variant=minbase bookworm "$new" "$main_archive" >"$work/debootstrap.log" 2>&1 || {
    tail -n 20 "$work/debootstrap.log" >&2
    die "debootstrap failed; the end of its log stands above."
}
cat >"$new/etc/apt/sources.list" <<END
deb $main_archive bookworm main
deb $main_archive bookworm-updates main
deb $security_archive bookworm-security main
END
apt-config dump | grep -E '^Acquire::(Check|http|https|ForceIPv|Retries)' >"$new/etc/apt/apt.conf.d/90machine" || true
cp -r /etc/apt/auth.conf.d "$new/etc/apt/" 2>/dev/null || true
cp -L /etc/resolv.conf /etc/hosts "$new/etc/"
if [ -d /usr/local/share/ca-certificates ]; then
    cp -r /usr/local/share/ca-certificates "$new/usr/local/share/"
fi
mkdir -p "$new$home/.cargo"
cp "${CARGO_HOME:-$HOME/.cargo}"/config* "$new$home/.cargo/" 2>/dev/null || true

# The variables that tell how to reach the network, as they are here. A bundle
# of certificate authorities is copied, and its variables name the copy.
settings=()
authorities=""
while IFS='=' read -r name value; do
    case $name in
    http_proxy | https_proxy | no_proxy | all_proxy | HTTP_PROXY | HTTPS_PROXY | NO_PROXY | ALL_PROXY | \
        CARGO_HTTP_* | CARGO_NET_* | CARGO_REGISTR* | CARGO_SOURCE_* | SSL_CERT_FILE | CURL_CA_BUNDLE) ;;
    *) continue ;;
    esac
    case $name in
    SSL_CERT_FILE | CURL_CA_BUNDLE | CARGO_HTTP_CAINFO)
        authorities=/etc/ssl/machine-authorities.crt
        mkdir -p "$new/etc/ssl"
        cp -L "$value" "$new$authorities"
        value=$authorities
        ;;
    esac
    settings+=("$name=$value")
done < <(env)
# Debian's Cargo looks for the bundle in its own variable only.
[ -z "$authorities" ] || settings+=("CARGO_HTTP_CAINFO=$authorities")

note "clone of $(git -C "$top" log -1 --format='%h %s')"
git clone --quiet --no-hardlinks "$top" "$new$home/echotrace"

# A mount and a process namespace of its own: whatever happens, all mounts and
# all processes of it are gone with its first process.
status=0
# shellcheck disable=SC2016 # the inner shell expands these
unshare --mount --propagation private --pid --fork --kill-child bash -euc '
    # ip netns wants the root folder to be a mount.
    mount --bind "$1" "$1"
    mount -t proc proc "$1/proc"
    mount -t sysfs sysfs "$1/sys"
    mount --rbind /dev "$1/dev"
    mount -t tmpfs tmpfs "$1/run"
    new=$1 home=$2 run=$3
    shift 3
    exec chroot "$new" env -i HOME="$home" LANG=C.UTF-8 \
        PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$@" \
        bash -euc "cd $home/echotrace; $run"
' fresh-check "$new" "$home" "$*" "${settings[@]}" </dev/null || status=$?

changed=$(git -C "$new$home/echotrace" status --porcelain)
[ -z "$changed" ] || die "the checkout is not clean afterwards: $changed"
[ "$status" -eq 0 ] || die "'$*' ended with status $status on a fresh Debian 12."
note "'$*' passed on a fresh Debian 12"
