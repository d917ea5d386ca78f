#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Every shell script under shellcheck; .shellcheckrc says what is let pass, and why.
#   tests/style/shell.sh [FILE...]       all scripts of the project when none is named
set -euo pipefail
cd "$(dirname "$0")/../.."
files=("$@")
[ $# -ne 0 ] || mapfile -t files < <(tests/style/files.sh | grep -E '(\.sh|/init|^\.ci/run)$')
shellcheck "${files[@]}"
