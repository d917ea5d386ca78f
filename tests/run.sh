#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Runs every check on a built tree and ends with one line: N passed, N failed, N skipped.
set -u
build=${1:?usage: tests/run.sh BUILD_FOLDER}
passed=0 failed=0 skipped=0
reports=$(mktemp -d)
trap 'rm -rf "$reports"' EXIT

# A command that counts as one check.
check() {
  local name=$1
  shift
  echo "== $name"
  if "$@"; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    echo "FAILED: $name"
  fi
}

# A gtest binary: each of its tests counts. One that dies before its summary counts as a failure.
suite() {
  local name=$1 xml
  xml=$reports/$(basename "$2").xml
  shift
  echo "== $name"
  "$@" --gtest_brief=1 --gtest_output="xml:$xml"
  local counts
  if ! counts=$(sed -n '2s/.* tests="\([0-9]*\)" failures="\([0-9]*\)".* errors="\([0-9]*\)".*/\1 \2 \3/p' "$xml") ||
    [ -z "$counts" ]; then
    failed=$((failed + 1))
    echo "FAILED: $name died"
    return
  fi
  read -r all bad errors <<<"$counts"
  local not_run
  not_run=$(grep -c 'result="skipped"' "$xml")
  passed=$((passed + all - bad - errors - not_run))
  failed=$((failed + bad + errors))
  skipped=$((skipped + not_run))
}

export TLBLAB=$PWD/$build/tlblab

check "format" make --no-print-directory format-check
suite "unit tests" "$build/tests/unit_tests"
suite "command line tests" "$build/tests/cli_tests"
check "statistics self-test on a recording" \
  "$build/tlblab" selftest tests/data/recording.jsonl.gz
check "benchmarks run" "$build/bench/tlblab_bench" --benchmark_min_time=0.01
check "clang-tidy" make --no-print-directory -j"$(nproc)" tidy

echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
