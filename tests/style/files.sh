#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Prints the project's text files, one a line: what git tracks or would add, but not what a run
# wrote or somebody else made.
#   tests/style/files.sh
set -euo pipefail
cd "$(dirname "$0")/../.."
git ls-files --cached --others --exclude-standard | sort -u \
  | while IFS= read -r file; do
    case $file in
      LICENSE | results/* | *.gz) continue ;;
    esac
    [ ! -f "$file" ] || echo "$file"
  done
