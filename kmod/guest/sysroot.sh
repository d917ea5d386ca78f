#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Gets from Debian 12 what the driver is cross-built with, and what it needs to run in a guest:
#   kmod/guest/sysroot.sh ARCH          ARCH: amd64 or arm64
# makes build/sysroot/ARCH: ARCH's libraries and their headers, and in usr/include links to those
# header-only libraries of this host that are the same for every architecture.
set -euo pipefail
cd "$(dirname "$0")/../.."
. kmod/guest/debian.sh

arch=${1:?usage: kmod/guest/sysroot.sh amd64|arm64}
root=$BUILD/sysroot/$arch
packages=(libc6 libgcc-s1 libstdc++6 libhwloc-dev libhwloc15 libudev1 libcap2 libnuma-dev libnuma1
  libpfm4-dev libpfm4 libfmt-dev libfmt9 libsimdjson-dev libsimdjson14 libzstd-dev libzstd1
  zlib1g-dev zlib1g)

mkdir -p "$BUILD/sysroot"
exec 9>"$BUILD/sysroot/lock"
flock 9
# One that was made by an earlier state of this script may lack a library.
[ ! "$root/whole" -nt kmod/guest/sysroot.sh ] || exit 0
echo "  SYSROOT Debian 12 for $arch"
debian_prepare
rm -rf "$root.tmp"
mkdir -p "$root.tmp"
debian_unpack "$root.tmp" "${packages[@]/%/:$arch}"
# One folder of libraries, whose links don't lead out of it to the host's.
cp -a "$root.tmp/lib/." "$root.tmp/usr/lib"
rm -rf "$root.tmp/lib"
ln -s usr/lib "$root.tmp/lib"
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
