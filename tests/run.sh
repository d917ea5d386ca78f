#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Runs every check on a built tree and ends with one line: N passed, N failed, N skipped.
set -u
build=${1:?usage: tests/run.sh BUILD_FOLDER}
passed=0 failed=0 skipped=0
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export TLBLAB=$PWD/$build/tlblab

count() { # NAME STATUS: a command that counts as one check
  if [ "$2" -eq 0 ]; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    echo "FAILED: $1"
  fi
}

check() { # NAME COMMAND...
  local name=$1
  shift
  echo "== $name"
  "$@"
  count "$name" $?
}

# A gtest binary: each of its tests counts. One that dies before its summary counts as a failure.
suite() { # NAME BINARY
  local xml=$scratch/results.xml counts all bad errors not_run
  echo "== $1"
  rm -f "$xml"
  "$2" --gtest_brief=1 --gtest_output="xml:$xml"
  counts=$(sed -n '2s/.* tests="\([0-9]*\)" failures="\([0-9]*\)".* errors="\([0-9]*\)".*/\1 \2 \3/p' \
    "$xml" 2>/dev/null)
  if [ -z "$counts" ]; then
    count "$1 died" 1
    return
  fi
  read -r all bad errors <<<"$counts"
  not_run=$(grep -c 'result="skipped"' "$xml")
  passed=$((passed + all - bad - errors - not_run))
  failed=$((failed + bad + errors))
  skipped=$((skipped + not_run))
}

# A benchmark that could not run says so but exits 0; with one CPU two of them can't.
benchmarks() {
  local out
  out=$("$build/bench/tlblab_bench" --benchmark_min_time=0.01 2>&1) || return 1
  echo "$out"
  [ "$(nproc)" -lt 2 ] || ! grep -q 'ERROR OCCURRED' <<<"$out"
}

check "format" make --no-print-directory format-check
suite "unit tests" "$build/tests/unit_tests"
# Alone on the machine: these measure.
suite "command line tests" "$build/tests/cli_tests"
check "benchmarks run" benchmarks

# The self-test takes one CPU for a minute; clang-tidy has the others meanwhile.
echo "== statistics self-test on a recording, beside clang-tidy"
"$build/tlblab" selftest tests/data/recording.jsonl.gz >"$scratch/selftest" 2>&1 &
selftest=$!
make --no-print-directory -k -j"$(nproc)" tidy
count "clang-tidy" $?
wait "$selftest"
selftest_status=$?
cat "$scratch/selftest"
count "statistics self-test" "$selftest_status"

echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
