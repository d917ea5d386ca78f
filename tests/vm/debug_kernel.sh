#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Builds the debug kernel from Debian's source of Linux 6.12: eight minutes on two cores, once.
#   tests/vm/debug_kernel.sh
# makes build/kernels/amd64-debug, of the same form as the trees of kernels.sh. It is built anew when
# the options (debug-kernel.config) have changed.
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/vm/debian.sh
tree=$BUILD/kernels/amd64-debug
options=tests/vm/debug-kernel.config

mkdir -p "$BUILD/kernels"
exec 9>"$BUILD/kernels/lock-debug"
flock 9
if [ -e "$tree/release" ] && cmp -s "$options" "$tree/options"; then exit 0; fi
[ "$host_arch" = amd64 ] || die "the debug kernel is built on amd64 hosts only"

debian_prepare
rm -rf "$tree" "$tree.tmp"
mkdir -p "$tree.tmp"
debian_unpack "$tree.tmp" linux-source-6.12:all busybox-static:amd64
echo "  UNPACK  linux-source-6.12"
tar -C "$tree.tmp" -xf "$tree.tmp/usr/src/linux-source-6.12.tar.xz"
rm -rf "$tree.tmp/usr/src"
mv "$tree.tmp/linux-source-6.12" "$tree.tmp/headers"

cp "$options" "$tree.tmp/options"
build() {
  env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL make --no-print-directory -C "$tree.tmp/headers" "$@"
}
build -s allnoconfig >/dev/null
(cd "$tree.tmp/headers" && ./scripts/kconfig/merge_config.sh -m .config ../options >/dev/null)
build -s olddefconfig
for option in KASAN PROVE_LOCKING DEBUG_VM PAGE_TABLE_CHECK DEBUG_KMEMLEAK DEBUG_ATOMIC_SLEEP; do
  grep -q "^CONFIG_$option=y" "$tree.tmp/headers/.config" || die "the configuration lost $option"
done
echo "  BUILD   the debug kernel, some 1300 files: eight minutes on two cores"
build -j"$(nproc)" bzImage modules | awk '/^  (CC|AS)/ && ++n % 100 == 0 { print "  BUILD   " n; fflush() }'
build -s INSTALL_MOD_PATH="$(realpath "$tree.tmp")" modules_install
ln -s headers/arch/x86/boot/bzImage "$tree.tmp/vmlinuz"
release=$(build -s kernelrelease)
rm -f "$tree.tmp/lib/modules/$release/build"
echo "$release" >"$tree.tmp/release"
mv "$tree.tmp" "$tree"
echo "  KERNEL  $tree is $release, $(du -sh "$tree" | cut -f1)"
