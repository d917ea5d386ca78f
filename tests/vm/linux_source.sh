#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Downloads Debian's source of Linux 6.12, 140 MB, once:
#   tests/vm/linux_source.sh
# makes build/linux-source.tar.xz, for debug_kernel.sh and tests/style/checkpatch.sh.
set -euo pipefail
cd "$(dirname "$0")/../.."
. kmod/guest/debian.sh
exec 9>"$BUILD/linux-source.lock"
flock 9
[ ! -e "$BUILD/linux-source.tar.xz" ] || exit 0
debian_prepare
scratch=$BUILD/linux-source.tmp
rm -rf "$scratch"
mkdir -p "$scratch"
debian_unpack "$scratch" linux-source-6.12:all
mv "$scratch/usr/src/linux-source-6.12.tar.xz" "$BUILD/linux-source.tar.xz"
rm -rf "$scratch"
