#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Puts a kernel of one's own where guests find it:
#   kmod/guest/own_kernel.sh ARCH PATH
# PATH: the folder in which a kernel was built, its source or that of O=; or an installed kernel's
# image, such as /boot/vmlinuz-6.18.3, whose headers and modules are below /lib/modules.
# Makes build/kernels/ARCH-own, of the same form as the trees of kernels.sh. Nothing is written to
# PATH, but kbuild may bring up to date what it finds there when the module is built.
# Without headers, MODULE=no in the environment says that only the kernel is wanted.
set -euo pipefail
cd "$(dirname "$0")/../.."
. kmod/guest/debian.sh
usage="usage: kmod/guest/own_kernel.sh amd64|arm64 PATH"
arch=${1:?$usage} path=$(realpath "${2:?$usage}")
tree=$BUILD/kernels/$arch-own
case $arch in
  amd64) image=arch/x86/boot/bzImage console=SERIAL_8250_CONSOLE ;;
  arm64) image=arch/arm64/boot/Image console=SERIAL_AMBA_PL011_CONSOLE ;;
  *) die "$usage" ;;
esac

if [ -d "$path" ]; then
  [ -e "$path/$image" ] || die "there is no $image in $path: build it there first"
  release=$(cat "$path/include/config/kernel.release")
  headers=$path modules=$path config=$path/.config vmlinuz=$path/$image
else
  [ -e "$path" ] || die "$path is missing"
  release=${path##*/vmlinuz-}
  [ "$release" != "$path" ] \
    || die "$path: give the folder in which it was built; only /boot/vmlinuz-RELEASE tells enough"
  headers=$(realpath -m "/lib/modules/$release/build") modules=/lib/modules/$release/kernel
  config=/boot/config-$release vmlinuz=$path
fi
[ -e "$headers/include/config/kernel.release" ] || [ "${MODULE:-}" = no ] \
  || die "there are no headers of Linux $release in $headers: MODULE=no boots it without the module"

# A guest without these would hang and not say why.
lacks=
for option in BLK_DEV_INITRD DEVTMPFS TMPFS BINFMT_ELF BINFMT_SCRIPT VIRTIO_PCI VIRTIO_CONSOLE \
  "$console"; do
  grep -q "^CONFIG_$option=[ym]" "$config" || lacks+=" -e $option"
done
[ -z "$lacks" ] || die "a guest needs more of its kernel, in $path:" \
  "scripts/config$lacks && make olddefconfig, and build it anew"

mkdir -p "$BUILD/kernels"
exec 9>"$BUILD/kernels/lock-own"
flock 9
rm -rf "$tree.tmp"
mkdir -p "$tree.tmp"/{boot,"lib/modules/$release"}
if [ -e "$tree/bin/busybox" ]; then
  mkdir "$tree.tmp/bin"
  cp -L "$tree/bin/busybox" "$tree.tmp/bin"
else
  debian_prepare
  debian_unpack "$tree.tmp" "busybox-static:$arch"
fi
ln -s "$headers" "$tree.tmp/headers"
ln -s "$vmlinuz" "$tree.tmp/vmlinuz"
cp "$config" "$tree.tmp/boot/config-$release"
# What a guest may ask for, where it isn't built in.
(
  cd "$modules"
  find drivers/{virtio,char,block,crypto/ccp} arch/*/kvm virt -name '*.ko*' \
    ! -name '*.mod*' ! -name '*.cmd' -print0 2>/dev/null || true
) | while IFS= read -r -d '' module; do
  install -D -m 644 "$modules/$module" "$tree.tmp/lib/modules/$release/kernel/$module"
done
find "$tree.tmp/lib" -name '*.ko.xz' -exec xz -d {} + -o -name '*.ko.gz' -exec gzip -d {} + \
  -o -name '*.ko.zst' -exec zstd -q -d --rm {} +
cp "$modules"/{,../}modules.{order,builtin,builtin.modinfo} "$tree.tmp/lib/modules/$release" \
  2>/dev/null || true
PATH=$PATH:/usr/sbin:/sbin depmod -b "$tree.tmp" "$release"
echo "$release" >"$tree.tmp/release"
rm -rf "$tree"
mv "$tree.tmp" "$tree"
echo "  KERNEL  $tree is $release, of $path"
