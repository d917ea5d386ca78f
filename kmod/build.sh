#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Builds the module out of tree and fails on any warning of the compiler, objtool or modpost:
#   kmod/build.sh ARCH KDIR FOLDER [WORD...]
# ARCH: amd64 or arm64; KDIR: the kernel's build folder; WORD: for kbuild's make, as W=1. It leaves
# FOLDER/tlblab.ko and the whole output in FOLDER/build.log. Kbuild writes beside the sources, so
# FOLDER is filled with links to them first. Kbuild picks its compiler; on a host of another
# architecture the cross compiler of that name. ANY_KERNEL=yes in the environment: also for a kernel
# newer than those that are known to work.
set -euo pipefail
cd "$(dirname "$0")/.."
usage="usage: kmod/build.sh amd64|arm64 KDIR FOLDER [WORD...]"
arch=${1:?$usage} kdir=${2:?$usage} folder=${3:?$usage}

case $arch in
  amd64) kernel_arch=x86 triplet=x86_64-linux-gnu- ;;
  arm64) kernel_arch=arm64 triplet=aarch64-linux-gnu- ;;
  *) echo "error: $usage" >&2 && exit 1 ;;
esac
[ "$arch" != "$(kmod/host_arch.sh)" ] || triplet=

mkdir -p "$folder"
exec 9>"$folder/lock"
flock 9
cp -rs --update --remove-destination "$PWD"/{Kbuild,kmod,include} "$folder"
# Remove the objects of sources that are gone, else kbuild would go on using them.
find "$folder" -xtype l | while IFS= read -r gone; do
  rm -f "$gone" "${gone%.*}.o"
done

# What a source says of a kernel that it is not for drowns in the rest of the log.
refuse() {
  local reason
  rm -f "$folder/tlblab.ko"
  reason=$(sed -n 's/.*error: #error "\(.*\)"$/\1/p' "$folder/build.log" | head -n 1)
  [ -z "$reason" ] || echo "error: $reason" >&2
  echo "error: the module for $kdir is not built: see $folder/build.log" >&2
  exit 1
}

# make's own settings (flags, variables of its command line) are not meant for kbuild.
env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL -u KBUILD_MODPOST_WARN -u CXX -u CPPFLAGS -u LDFLAGS \
  make --no-print-directory -C "$kdir" -j"$(nproc)" M="$(realpath "$folder")" ARCH="$kernel_arch" \
  CROSS_COMPILE="$triplet" "${@:4}" modules 2>&1 9>&- | tee "$folder/build.log" || refuse

if readelf -SW "$folder/tlblab.ko" | grep -q ' GROUP '; then
  echo "error: $folder/tlblab.ko has groups of sections: the linker does not do as Kbuild asks" >&2
  refuse
fi
# Any warning counts, whatever it is from, except kbuild's remark that this compiler is not the one
# that built the kernel: it is not about our code.
if grep -i 'warning' "$folder/build.log" | grep -v 'the compiler differs from the one used'; then
  # Else the objects would look up to date the next time, and there would be no warning.
  find "$folder" -name '*.o' -delete
  refuse
fi
