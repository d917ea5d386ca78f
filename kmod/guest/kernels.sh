#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Gets one of Debian 12's kernels, to build the module against and to boot in a guest:
#   kmod/guest/kernels.sh ARCH LINE      ARCH: amd64 or arm64; LINE: 6.1, 6.12, or, of arm64 alone,
#                                        6.12-16k, with pages of 16 KiB
# makes build/kernels/ARCH-LINE with
#   release    the kernel's release, as uname -r says it
#   headers    a link to what KDIR wants; its build tools run on this host, whatever ARCH is
#   vmlinuz    a link to the kernel
#   lib/modules/RELEASE
#   bin/busybox   for the guest's user space
# Takes the newest version that Debian has. A tree that exists is left alone: remove its folder to
# get a newer one.
set -euo pipefail
cd "$(dirname "$0")/../.."
. kmod/guest/debian.sh

usage="usage: kmod/guest/kernels.sh amd64|arm64 6.1|6.12|6.12-16k"
arch=${1:?$usage} line=${2:?$usage}
case $arch in amd64 | arm64) ;; *) die "$usage" ;; esac
case $arch-$line in
  *-6.1) meta=linux-image-$arch ;;
  *-6.12) meta=linux-image-6.12-$arch ;;
  arm64-6.12-16k) meta=linux-image-6.12-arm64-16k ;;
  amd64-6.12-16k) die "pages of 16 KiB are arm64's: kmod/guest/kernels.sh arm64 6.12-16k" ;;
  *) die "$usage" ;;
esac
tree=$BUILD/kernels/$arch-$line

# One at a time: two makes may want the same tree.
mkdir -p "$BUILD/kernels"
exec 9>"$BUILD/kernels/lock"
flock 9
[ ! -e "$tree/release" ] || exit 0

depends() { # PACKAGE:ARCH: the names it depends on, one a line
  private apt-cache show --no-all-versions "$1" | sed -n 's/^Depends: //p' | tr ',' '\n' \
    | sed 's/^ *//; s/[ :].*//'
}

echo "  KERNEL  Debian's $line for $arch"
debian_prepare
release=$(depends "$meta:$arch" | sed -n 's/^linux-image-//p')
[ -n "$release" ] || die "Debian 12 has no $meta for $arch"
kbuild=$(depends "linux-headers-$release:$arch" | grep '^linux-kbuild-')
common=$(depends "linux-headers-$release:$arch" | grep -- '-common$')

rm -rf "$tree.tmp"
mkdir -p "$tree.tmp"
debian_unpack "$tree.tmp" "linux-image-$release:$arch" "linux-headers-$release:$arch" \
  "$common:all" "$kbuild:$host_arch" "busybox-static:$arch"

# The headers name the common ones by the path where dpkg would put them.
headers=usr/src/linux-headers-$release
sed -i "s|^include /usr/src/|include ../|" "$tree.tmp/$headers/Makefile"
# arm64 names a 32-bit compiler for its compat vDSO, which a module has no use for.
sed -i '/CROSS32_COMPILE\|CROSS_COMPILE_COMPAT/d' "$tree.tmp/$headers/.kernelvariables"

ln -s "$headers" "$tree.tmp/headers"
ln -s "boot/vmlinuz-$release" "$tree.tmp/vmlinuz"
[ -e "$tree.tmp/vmlinuz" ] || die "linux-image-$release has no kernel in it"
[ -x "$tree.tmp/headers/scripts/mod/modpost" ] || die "$kbuild has no modpost that runs here"
[ -e "$tree.tmp/headers/Module.symvers" ] || die "linux-headers-$release has no Module.symvers"

# Most of an image is drivers for hardware that no guest has. The rest is kept uncompressed, since a
# guest's insmod reads nothing else.
modules=$tree.tmp/lib/modules/$release
(
  cd "$modules/kernel"
  find drivers -type f ! -path 'drivers/virtio/*' ! -path 'drivers/block/virtio_blk.*' \
    ! -path 'drivers/char/virtio_console.*' ! -path 'drivers/char/hw_random/virtio-rng.*' \
    ! -path 'drivers/crypto/ccp/*' -delete
  rm -rf sound net fs
  find . -type d -empty -delete
  find . -name '*.ko.xz' -exec xz -d {} +
)
rm -f "$modules/build" "$modules/source"
PATH=$PATH:/usr/sbin:/sbin depmod -b "$tree.tmp" "$release"
rm -rf "$tree.tmp/usr/share" "$tree.tmp/usr/lib/linux-image-$release" "$tree.tmp"/boot/System.map-*
echo "$release" >"$tree.tmp/release"
rm -rf "$tree"
mv "$tree.tmp" "$tree"
echo "  KERNEL  $tree is $release, $(du -sh "$tree" | cut -f1)"
