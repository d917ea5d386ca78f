#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# The module's C, and all that it shares with others, under the kernel's own checkpatch.pl, which
# comes from Debian's source of Linux 6.12 (tests/vm/linux_source.sh):
#   tests/style/checkpatch.sh [FILE...]       all of the module's C when none is named
# Exit status: 0 if it has nothing to say.
set -euo pipefail
cd "$(dirname "$0")/../.."
build=${BUILD:-build}
scripts=$build/checkpatch
files=("$@")
[ $# -ne 0 ] || mapfile -t files < <(tests/style/files.sh | grep -E '^(kmod|include)/.*\.[ch]$')

if [ ! -e "$scripts/checkpatch.pl" ]; then
  rm -rf "$scripts.tmp"
  mkdir -p "$scripts.tmp"
  tar -C "$scripts.tmp" --strip-components=2 --wildcards -xf "$build/linux-source.tar.xz" \
    '*/scripts/checkpatch.pl' '*/scripts/spelling.txt' '*/scripts/const_structs.checkpatch'
  mv "$scripts.tmp" "$scripts"
fi

# Let pass: the module builds for several kernels (compat.h); the ABI's header, for user space, has
# no BIT(), and its fields' comments go on in their column; and a pointer to a lock is not a lock
# without a comment.
ignored=LINUX_VERSION_CODE,CONSTANT_COMPARISON,BIT_MACRO,BLOCK_COMMENT_STYLE,UNCOMMENTED_DEFINITION
perl "$scripts/checkpatch.pl" --no-tree --strict --quiet --terse --show-types --no-summary \
  --max-line-length=100 --ignore "$ignored" --file "${files[@]}"
