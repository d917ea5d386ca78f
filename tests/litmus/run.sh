#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# herd7 judges the litmus tests by Arm's own memory model, two at a time:
#   tests/litmus/run.sh [NAME...]       all of them, or those whose names begin so
# They are written to build/litmus by a program that make has built; herd7's answer to NAME.litmus
# is put there as NAME.out. KTAP output: a line for each test with herd7's word and what the test is
# about. Exit status: 0 when each word was the one expected. Where sid has no herd7 today each test
# is skipped, and counts as such.
set -euo pipefail
cd "$(dirname "$0")/../.."
BUILD=${BUILD:-build}
herd=$BUILD/herd/herd7
folder=$BUILD/litmus
timeout_s=300
export herd folder timeout_s

status=0
tests/litmus/herd.sh || status=$?
[ "$status" -eq 0 ] || [ "$status" -eq 77 ] || exit 1
rm -rf "$folder"
mkdir -p "$folder"
"$BUILD/tests/litmus/litmus" "$folder"
if [ $# -ne 0 ]; then
  for name; do
    grep "^$name" "$folder/tests" || { echo "error: no test begins with $name" >&2 && exit 2; }
  done >"$folder/chosen"
  mv "$folder/chosen" "$folder/tests"
fi

echo 'TAP version 13'
echo "1..$(wc -l <"$folder/tests")"
if [ "$status" -eq 77 ]; then
  reason=$(grep . "$BUILD/herd.missing" | tail -n 1)
  awk -F '\t' -v reason="$reason" \
    '{print "ok " NR " " $1 " # SKIP no herd7: " reason}' "$folder/tests"
  exit 0
fi

# shellcheck disable=SC2317  # called by what xargs starts
judge() { # NAME
  nice timeout "$timeout_s" "$herd" "$folder/$1.litmus" >"$folder/$1.out" 2>&1 \
    || echo "exit status $?" >>"$folder/$1.out"
}
export -f judge
# In the background: lines are printed in order, as soon as their test is done.
# shellcheck disable=SC2016  # that shell's variables
cut -f1 "$folder/tests" | xargs -P 2 -I NAME bash -c 'judge NAME; touch "$folder/NAME.done"' &
trap 'kill $! 2>/dev/null || true' EXIT

count=0 failed=0
while IFS=$'\t' read -r name expected about; do
  count=$((count + 1))
  while [ ! -e "$folder/$name.done" ]; do sleep 0.05; done
  word=$(sed -n "s/^Observation $name \([A-Za-z]*\) .*/\1/p" "$folder/$name.out")
  seconds=$(sed -n "s/^Time $name //p" "$folder/$name.out")
  if [ "$word" = "$expected" ] && ! grep -q '^exit status' "$folder/$name.out"; then
    echo "ok $count $name: $word, as expected: $about (${seconds} s)"
  else
    echo "not ok $count $name: ${word:-no word}, $expected expected: $about"
    sed 's/^/# /' "$folder/$name.litmus" "$folder/$name.out"
    failed=1
  fi
done <"$folder/tests"
exit "$failed"
