#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Does the documentation name only goals that there are? Looks up each `make GOAL` and ONLY=PART of
# the Markdown files in what `make help` and `make test ONLY=help` print.
#   tests/style/goals.sh [FILE...]       all of the project's when none is named
# Exit status: 0 if all were found.
set -euo pipefail
cd "$(dirname "$0")/../.."
files=("$@")
[ $# -ne 0 ] || mapfile -t files < <(tests/style/files.sh | grep '\.md$')
known=$(
  echo ONLY=help
  make --no-print-directory help | sed -n 's/^  \(make [^ ]*\) .*/\1/p'
  tests/run.sh "${BUILD:-build}" help \
    | sed -n 's/^  \([^ ]*\) .*/ONLY=\1/p' | sed 'p; s/:.*//'
)
status=0
while IFS=: read -r file line words; do
  # A file of the build folder is a goal, too.
  [[ $words != */* ]] || continue
  if ! grep -qxF -- "$words" <<<"$known"; then
    echo "$file:$line: there is no $words"
    status=1
  fi
done < <(grep -noHE '(^ {4}|`)make [a-z][a-z_./-]*|ONLY=[a-z][a-z0-9.:-]*' "${files[@]}" \
  | sed 's/:[` ]*make /:make /')
exit "$status"
