#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Builds the module for Debian's 6.12 once more, with all that gcc warns of at W=1 and under sparse,
# which knows the kernel's address spaces and byte orders. Any warning fails the build.
#   tests/style/sparse.sh [FOLDER]     FOLDER: of a copy of the module's sources, built in its out/
# -Wno-context: that a lock is taken only if the answer is true, as with lab_table_lock(), can't be
# told to sparse. lockdep watches locks instead, in the debug kernel.
set -euo pipefail
cd "$(dirname "$0")/../.."
build=${BUILD:-build}
out=${1:+$1/out}
"${1:-.}/kmod/build.sh" amd64 "$PWD/$build/kernels/amd64-6.12/headers" \
  "${out:-$PWD/$build/kmod/sparse}" C=2 CF=-Wno-context W=1
