#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Builds a debug kernel from Debian's source of Linux 6.12, once, after linux_source.sh:
#   tests/vm/debug_kernel.sh debug    KASAN, lockdep and more: eight minutes on two cores
#   tests/vm/debug_kernel.sh kcsan    KCSAN, which finds data races
# makes build/kernels/amd64-debug or -kcsan, of the same form as the trees of kernels.sh. It is
# built anew when the options (debug-kernel.config, and the differences in kcsan-kernel.config) have
# changed.
set -euo pipefail
cd "$(dirname "$0")/../.."
. kmod/guest/debian.sh
variant=${1:?usage: tests/vm/debug_kernel.sh debug|kcsan}
tree=$BUILD/kernels/amd64-$variant
options=(tests/vm/debug-kernel.config)
# Without these it would check less than its name says.
needed=(DEBUG_VM DEBUG_ATOMIC_SLEEP USERFAULTFD MEMCG SWAP LRU_GEN PREEMPT)
case $variant in
  debug)
    needed+=(KASAN PROVE_LOCKING PAGE_TABLE_CHECK DEBUG_KMEMLEAK UBSAN_BOUNDS DEBUG_PREEMPT)
    ;;
  kcsan)
    needed+=(KCSAN_STRICT)
    options+=(tests/vm/kcsan-kernel.config)
    ;;
  *) die "usage: tests/vm/debug_kernel.sh debug|kcsan" ;;
esac

mkdir -p "$BUILD/kernels"
exec 9>"$BUILD/kernels/lock-$variant"
flock 9
if [ -e "$tree/release" ] && cat "${options[@]}" | cmp -s - "$tree/options"; then exit 0; fi
[ "$host_arch" = amd64 ] || die "debug kernels are built on amd64 hosts only"

debian_prepare
rm -rf "$tree" "$tree.tmp"
mkdir -p "$tree.tmp"
debian_unpack "$tree.tmp" busybox-static:amd64
echo "  UNPACK  linux-source-6.12"
tar -C "$tree.tmp" -xf "$BUILD/linux-source.tar.xz"
mv "$tree.tmp/linux-source-6.12" "$tree.tmp/headers"

cat "${options[@]}" >"$tree.tmp/options"
build() {
  env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL make --no-print-directory -C "$tree.tmp/headers" "$@"
}
build -s allnoconfig >/dev/null
(cd "$tree.tmp/headers" && ./scripts/kconfig/merge_config.sh -m .config ../options >/dev/null)
build -s olddefconfig
for option in "${needed[@]}"; do
  grep -q "^CONFIG_$option=y" "$tree.tmp/headers/.config" || die "the configuration lost $option"
done
echo "  BUILD   the $variant kernel, some 1300 files: eight minutes on two cores"
build -j"$(nproc)" bzImage modules \
  | awk '/^  (CC|AS)/ && ++n % 100 == 0 { print "  BUILD   " n; fflush() }'
build -s INSTALL_MOD_PATH="$(realpath "$tree.tmp")" modules_install
ln -s headers/arch/x86/boot/bzImage "$tree.tmp/vmlinuz"
release=$(build -s kernelrelease)
rm -f "$tree.tmp/lib/modules/$release/build"
echo "$release" >"$tree.tmp/release"
mv "$tree.tmp" "$tree"
echo "  KERNEL  $tree is $release, $(du -sh "$tree" | cut -f1)"
