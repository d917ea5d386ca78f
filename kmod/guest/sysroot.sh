#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Gets from this host's own release what the driver is cross-built with, and what it needs to run in
# a guest:
#   kmod/guest/sysroot.sh ARCH          ARCH: amd64 or arm64
# makes build/sysroot/ARCH: ARCH's libraries and their headers, and in usr/include links to those
# header-only libraries of this host that are the same for every architecture.
set -euo pipefail
cd "$(dirname "$0")/../.."
. kmod/guest/debian.sh

arch=${1:?usage: kmod/guest/sysroot.sh amd64|arm64}
root=$BUILD/sysroot/$arch
packages=(libstdc++6 libhwloc-dev libnuma-dev libpfm4-dev libfmt-dev libsimdjson-dev libzstd-dev
  zlib1g-dev)

mkdir -p "$BUILD/sysroot"
exec 9>"$BUILD/sysroot/lock"
flock 9
# One that was made by an earlier state of this script may lack a library.
[ ! "$root/whole" -nt kmod/guest/sysroot.sh ] || exit 0
debian_prepare
echo "  SYSROOT $debian for $arch"
# The libraries, whatever this release calls them, and theirs.
for ((at = 0; at < ${#packages[@]}; ++at)); do
  for library in $(debian_depends "${packages[at]}:$arch" \
    | grep -E '^z?lib' | grep -v -- '-dev$'); do
    [[ " ${packages[*]} " == *" $library "* ]] || packages+=("$library")
  done
done
rm -rf "$root.tmp"
mkdir -p "$root.tmp"
debian_unpack "$root.tmp" "${packages[@]/%/:$arch}"
# One folder of libraries, whose links don't lead out of it to the host's.
debian_merge_usr "$root.tmp"
[ -e "$root.tmp/lib" ] || ln -s usr/lib "$root.tmp/lib"
find "$root.tmp/usr/lib" -lname '/*' -print0 | while IFS= read -r -d '' link; do
  ln -sfn "$(basename "$(readlink "$link")")" "$link"
done
for library in CLI boost nlohmann toml++; do
  [ -e "/usr/include/$library" ] || die "/usr/include/$library is missing: make setup-run"
  ln -s "/usr/include/$library" "$root.tmp/usr/include/$library"
done
rm -rf "$root.tmp/usr/share"
touch "$root.tmp/whole"
rm -rf "$root"
mv "$root.tmp" "$root"
