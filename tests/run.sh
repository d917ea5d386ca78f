#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Runs every check on a built tree and ends with one line: N passed, N failed, N skipped.
set -u
build=${1:?usage: tests/run.sh BUILD_FOLDER}
passed=0 failed=0 skipped=0
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export TLBLAB=$PWD/$build/tlblab

heading() { # NAME: what begins, and when
  printf '== %s (at %d:%02d)\n' "$1" $((SECONDS / 60)) $((SECONDS % 60))
}

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
  heading "$name"
  "$@"
  count "$name" $?
}

# A gtest binary: each of its tests counts. One that dies before its summary counts as a failure.
suite() { # NAME BINARY
  local xml=$scratch/results.xml counts all bad errors not_run
  heading "$1"
  rm -f "$xml"
  "$2" --gtest_brief=1 --gtest_output="xml:$xml"
  counts=$(sed -n \
    '2s/.* tests="\([0-9]*\)" failures="\([0-9]*\)".* errors="\([0-9]*\)".*/\1 \2 \3/p' \
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

# A command that prints KTAP: each of its tests counts. One that fails otherwise is a failure, too.
ktap() { # NAME COMMAND...
  local name=$1 log=$scratch/ktap status failures
  shift
  heading "$name"
  "$@" 2>&1 | tee "$log"
  status=${PIPESTATUS[0]}
  failures=$(grep -c '^not ok ' "$log")
  skipped=$((skipped + $(grep -c '^ok .*# SKIP' "$log")))
  passed=$((passed + $(grep '^ok ' "$log" | grep -vc '# SKIP')))
  failed=$((failed + failures))
  if [ "$status" -ne 0 ] && [ "$failures" -eq 0 ] || ! grep -q '^\(not \)\?ok ' "$log"; then
    count "$name ended with status $status" 1
  fi
}

# A benchmark that could not run says so but exits 0; with one CPU two of them can't.
benchmarks() {
  local out
  out=$("$build/bench/tlblab_bench" --benchmark_min_time=0.01 2>&1) || return 1
  echo "$out"
  [ "$(nproc)" -lt 2 ] || ! grep -q 'ERROR OCCURRED' <<<"$out"
}

check "format" make --no-print-directory format-check
check "shell scripts" tests/style/shell.sh
check "the module's C under sparse and W=1" tests/style/sparse.sh
check "the module's C under checkpatch" tests/style/checkpatch.sh
ktap "planted faults of style" tests/style/check_style.sh
suite "unit tests" "$build/tests/unit_tests"
# Alone on the machine: these measure.
suite "command line tests" "$build/tests/cli_tests"
check "benchmarks run" benchmarks

# The self-test takes one CPU for a minute; clang-tidy has the others meanwhile.
heading "statistics self-test on a recording, beside clang-tidy"
"$build/tlblab" selftest tests/data/recording.jsonl.gz >"$scratch/selftest" 2>&1 &
selftest=$!
make --no-print-directory -k -j"$(nproc)" tidy
count "clang-tidy" $?
wait "$selftest"
selftest_status=$?
cat "$scratch/selftest"
count "statistics self-test" "$selftest_status"

ktap "every interleaving of a modelled machine" "$build/tests/explore/explore" --all
ktap "arm64's own memory model (herd7)" env BUILD="$build" tests/litmus/run.sh
for line in 6.1 6.12; do
  objects=$build/kmod/arm64-$line/kmod
  ktap "herd7 was asked about what the module does: $line" \
    env BUILD="$build" tests/litmus/check_mapping.sh \
    "$objects/core/core.o" "$objects/arch/arm64/flush.o" "$objects/linux/platform.o"
done

ktap "make run on machines with and without the module" tests/vm/check_run_lab.sh

# Would the build and the runner notice? Then all kernels, with the module in each.
host=$(dpkg --print-architecture)
ktap "planted faults in the module's build" tests/vm/check_module_faults.sh "$host" 6.12
ktap "planted trouble in a guest" tests/vm/check_runner.sh "$host" 6.12
for guest in "amd64 6.1" "amd64 6.12" "arm64 6.1" "arm64 6.12" "arm64 6.12-16k"; do
  # shellcheck disable=SC2086  # two words
  ktap "the module in a guest: $guest" tests/vm/test_guest.sh $guest
done
for arch in amd64 arm64; do
  ktap "instructions per page: $arch" tests/vm/check_instructions.sh "$arch" 6.12
  check "the driver for $arch" make --no-print-directory -j"$(nproc)" driver ARCH="$arch"
  ktap "the driver in a guest: $arch" tests/vm/test_driver.sh "$arch" 6.12
done
ktap "the driver in a guest: arm64, pages of 16 KiB" tests/vm/test_driver.sh arm64 6.12-16k

# The same tests once more, under a kernel that looks closer. It is built for that, on amd64.
if [ "$host" = amd64 ]; then
  ktap "the module under a debug kernel" make --no-print-directory test-debug
  ktap "data races, under a kernel with KCSAN" make --no-print-directory test-kcsan
else
  heading "the module under debug kernels: not run, they are built on amd64 hosts only"
  skipped=$((skipped + 2))
fi

printf 'took %d min %d s\n' $((SECONDS / 60)) $((SECONDS % 60))
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
