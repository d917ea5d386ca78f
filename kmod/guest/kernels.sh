#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Gets one of Debian's kernels, to build the module against and to boot in a guest:
#   kmod/guest/kernels.sh ARCH LINE
# ARCH: amd64 or arm64. LINE:
#   6.1, 6.12   Debian 12's; on a host of Debian 13 its own 6.12
#   newest      the newest of all, which is that of Debian 13's backports
#   7.2, ...    the newest of that line there. Their lists name few, pool.txt some more: what can't
#               be had today is said, with exit status 77
# and behind a dash its flavour, if it is not the usual one: cloud, rt, or (arm64) 16k, with pages
# of 16 KiB. It makes build/kernels/ARCH-LINE with
#   release    the kernel's release, as uname -r says it
#   headers    a link to what KDIR wants; its build tools and its compiler run on this host,
#              whatever ARCH is
#   vmlinuz    a link to the kernel
#   lib/modules/RELEASE
#   bin/busybox   for the guest's user space
# Takes the newest version that Debian has. A tree that exists is left alone: remove its folder to
# get a newer one.
set -euo pipefail
cd "$(dirname "$0")/../.."
. kmod/guest/debian.sh
. kmod/guest/toolchain.sh

usage="usage: kmod/guest/kernels.sh amd64|arm64 6.1|6.12|newest|7.2|...[-cloud|-rt|-16k]"
arch=${1:?$usage} line=${2:?$usage}
version=${line%%-*} flavour=$arch
case $arch-${line#"$version"} in
  amd64- | arm64-) ;;
  amd64--cloud | arm64--cloud | amd64--rt | arm64--rt) flavour=${line#*-}-$arch ;;
  arm64--16k) flavour=arm64-16k ;;
  amd64--16k) die "pages of 16 KiB are arm64's: kmod/guest/kernels.sh arm64 $line" ;;
  *) die "$usage" ;;
esac
case $version in
  6.1) suite=bookworm meta=linux-image-$flavour ;;
  6.12)
    suite=$host_suite meta=linux-image-$flavour
    [ "$suite" != bookworm ] || meta=linux-image-6.12-$flavour
    ;;
  newest) suite=trixie-backports meta=linux-image-$flavour ;;
  [1-9]*.[0-9]*) suite=trixie-backports meta= ;;
  *)
    die "KERNEL=$line: Debian's are 6.1, 6.12, newest and what lies between, as 7.2, with -cloud," \
      "-rt or (arm64) -16k behind it; KDIR= names another's build folder"
    ;;
esac
tree=$BUILD/kernels/$arch-$line

# One at a time: two makes may want the same tree.
mkdir -p "$BUILD/kernels"
exec 9>"$BUILD/kernels/lock"
flock 9
[ ! -e "$tree/release" ] || exit 0

none() { # MESSAGE
  echo "  KERNEL  none: $1"
  rm -rf "$tree.tmp"
  exit 77
}
unpack_pooled() { # the packages that pool.txt has for it
  local file sum
  grep -A 1 "^$line $arch $host_arch " kmod/guest/pool.txt >"$tree.tmp/pool" \
    || none "the lists of $debian name no $line for $arch today, nor does pool.txt"
  while read -r _ _ _ file && read -r sum; do
    echo "  GET     ${file##*/}"
    private /usr/lib/apt/apt-helper download-file "$DEBIAN_MIRROR/pool/main/l/$file" \
      "$tree.tmp/package" "SHA256:$sum" >/dev/null \
      || none "$DEBIAN_MIRROR has no longer the ${file##*/} of pool.txt"
    dpkg-deb -x "$tree.tmp/package" "$tree.tmp"
    rm "$tree.tmp/package"
  done < <(grep -v '^--' "$tree.tmp/pool")
  rm "$tree.tmp/pool"
}

echo "  KERNEL  Debian's $line for $arch"
debian_prepare "$suite"
rm -rf "$tree.tmp"
mkdir -p "$tree.tmp"
if [ -n "$meta" ]; then
  release=$(debian_depends "$meta:$arch" | sed -n 's/^linux-image-//p')
  [ -n "$release" ] || die "$debian has no $meta for $arch"
else
  release=$(private apt-cache pkgnames "linux-headers-$version." \
    | sed -n "s/^linux-headers-\([0-9.]*+deb[0-9]*-$flavour\)\$/\1/p" | sort -V | tail -n 1)
fi
if [ -n "$release" ]; then
  kbuild=$(debian_depends "linux-headers-$release:$arch" | grep '^linux-kbuild-')
  common=$(debian_depends "linux-headers-$release:$arch" | grep -E -- '-common(-rt)?$')
  debian_unpack "$tree.tmp" "linux-headers-$release:$arch" "$common:all" "$kbuild:$host_arch"
else
  unpack_pooled
  kbuild=$(basename "$tree.tmp"/usr/lib/linux-kbuild-*)
  release=$(basename "$tree.tmp/usr/src/linux-headers-"*"-$flavour")
  release=${release#linux-headers-}
fi
debian_unpack "$tree.tmp" "busybox-static:$arch"
if [ ! -e "$tree.tmp/bin" ]; then ln -s usr/bin "$tree.tmp/bin"; fi
headers=usr/src/linux-headers-$release modules=$tree.tmp/lib/modules/$release
if ls "$tree.tmp/boot/vmlinuz-"* >/dev/null 2>&1; then
  : # from the pool
elif debian_has "linux-binary-$release:$arch"; then
  # Since 7.0 an image is three packages, without /boot. That of the modules is by far the largest:
  # a guest needs none of it if the kernel has virtio built in, except to be a hypervisor.
  debian_unpack "$tree.tmp" "linux-base-$release:$arch" "linux-binary-$release:$arch"
  if [ "$flavour" = amd64 ] \
    || ! grep -q virtio_console "$tree.tmp/usr/lib/modules/$release/modules.builtin"; then
    debian_unpack "$tree.tmp" "linux-modules-$release:$arch"
  fi
else
  debian_unpack "$tree.tmp" "linux-image-$release:$arch"
fi
mkdir -p "$tree.tmp"/{boot,lib/modules}
if [ -d "$tree.tmp/usr/lib/modules" ]; then
  cp -a "$tree.tmp/usr/lib/modules/." "$tree.tmp/lib/modules"
  rm -rf "$tree.tmp/usr/lib/modules"
fi
for file in vmlinuz config; do
  [ ! -e "$modules/$file" ] || mv "$modules/$file" "$tree.tmp/boot/$file-$release"
done

# The headers name each other by the path where dpkg would put them.
# shellcheck disable=SC2016  # make expands it
sed -i 's|^include /usr/src/|include ../|; s|^KBUILD_OUTPUT=/usr/src/.*|KBUILD_OUTPUT=$(CURDIR)|' \
  "$tree.tmp/$headers/Makefile"
# arm64 names a 32-bit compiler for its compat vDSO, which a module has no use for.
sed -i '/CROSS32_COMPILE\|CROSS_COMPILE_COMPAT/d' "$tree.tmp/$headers/.kernelvariables"

ln -s "$headers" "$tree.tmp/headers"
ln -s "boot/vmlinuz-$release" "$tree.tmp/vmlinuz"
[ -e "$tree.tmp/vmlinuz" ] || die "linux-image-$release has no kernel in it"
[ -x "$tree.tmp/headers/scripts/mod/modpost" ] || die "$kbuild has no modpost for this host"
[ -e "$tree.tmp/headers/Module.symvers" ] || die "linux-headers-$release has no Module.symvers"

# Another release's kbuild may want its own C library, and its kernels their own compiler. ldd fails
# on what is not a program.
lacks=$(find "$tree.tmp/usr/lib/$kbuild" -type f -perm -u+x -exec ldd {} + 2>&1 \
  | grep 'not found' || true)
compiler=$(sed -n 's/^CC = .*gcc-\([0-9]*\)$/\1/p' "$tree.tmp/headers/.kernelvariables")
[ -n "$compiler" ] || die "linux-headers-$release does not tell its compiler"
case $arch in
  amd64) triplet=x86_64-linux-gnu ;;
  arm64) triplet=aarch64-linux-gnu ;;
esac
if [ -n "$lacks" ] || ! command -v "$triplet-gcc-$compiler" >/dev/null; then
  debian_toolchain "$suite" "$arch" "$compiler"
  ln -s "../../toolchain/$(basename "$toolchain")" "$tree.tmp/toolchain"
  debian_wrap "$tree.tmp/toolchain/libraries" "$tree.tmp/usr/lib/$kbuild"
  # The last word in kbuild's choice of its tools. It is read in this folder.
  # shellcheck disable=SC2016  # make expands it
  printf '%s = $(abspath $(objtree)/../../../toolchain/bin)/%s\n' \
    'override CROSS_COMPILE' "$triplet-" PAHOLE pahole >>"$tree.tmp/$headers/.kernelvariables"
fi

# Most of an image is drivers for hardware that no guest has. The rest is kept uncompressed, since a
# guest's insmod reads nothing else.
[ ! -d "$modules/kernel" ] || (
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
