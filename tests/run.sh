#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Runs the parts of `make test`, after make has built what they need:
#   tests/run.sh BUILD_FOLDER [NAME...]
# NAME is a part's or, without the colon and what follows it, that of a whole kind; `help` prints
# them. Without a name all parts run but a few, which repeat a part of another or take too long.
# Ends with how long each part took, and one line: N passed, N failed, N skipped.
# Exit status: 0 if nothing failed, 1 if something did, 2 if a name is not one.
set -u
build=${1:?usage: tests/run.sh BUILD_FOLDER [NAME...]}
shift
wanted=("$@")
host=$(dpkg --print-architecture)
passed=0 failed=0 skipped=0
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"; jobs -p | xargs -r kill 2>/dev/null' EXIT
export BUILD=$build TLBLAB=$PWD/$build/tlblab

make() {
  command make --no-print-directory BUILD="$build" "$@"
}

# Each part: its name, what it is in words, the goals of make that it needs, and a command, before
# which stands how its outcome is read:
#   check   it is one check, which its exit status tells
#   gtest   a gtest binary: each of its tests counts
#   ktap    it prints KTAP: each of its tests counts
# A part begun with `beside` runs together with those that follow it, until `together`: for what
# leaves CPUs idle.
parts() {
  part format "the form of every file" "" check make format-check
  part includes "who includes whom" "" ktap tests/check_includes.sh
  part shell "shell scripts under shellcheck" "" check tests/style/shell.sh
  part goals "goals that the documentation names" "" check tests/style/goals.sh
  part style "planted faults of style" "$build/kernels/amd64-6.12/release" \
    ktap tests/style/check_style.sh
  part sparse "the module's C under sparse and gcc's W=1" "$build/kernels/amd64-6.12/release" \
    check tests/style/sparse.sh
  part checkpatch "the module's C under the kernel's checkpatch.pl" "$build/linux-source.tar.xz" \
    check tests/style/checkpatch.sh
  # Alone on the machine: these measure.
  part cli "command line tests" "$build/tlblab $build/tests/cli_tests" \
    gtest "$build/tests/cli_tests"
  part probe "the headline against a probe by hand" "$build/tlblab $build/tests/probe/probe" \
    ktap tests/probe/agree.py
  part bench "benchmarks run" "$build/bench/tlblab_bench" check benchmarks

  meanwhile sanitizers:asan "$build/asan/tests/unit_tests" \
    sanitizers:tsan "$build/tsan/tests/unit_tests" \
    debug "$build/kmod/amd64-debug/tlblab.ko" kcsan "$build/kmod/amd64-kcsan/tlblab.ko"

  # The self-test takes one CPU for a minute.
  beside selftest "statistics self-test on a recording" "$build/tlblab" \
    check "$build/tlblab" selftest tests/data/recording.jsonl.gz
  part tidy "clang-tidy" "" check make -k -j"$(nproc)" tidy
  together

  part explore "every interleaving of a modelled machine" "$build/tests/explore/explore" \
    ktap "$build/tests/explore/explore" --all
  part litmus "arm64's own memory model (herd7)" "$build/tests/litmus/litmus herd" \
    ktap tests/litmus/run.sh
  local line objects
  for line in 6.1 6.12 newest; do
    objects=$build/kmod/arm64-$line/kmod
    part "mapping:$line" "herd7 was asked about what the module does: $line" \
      "$build/tests/litmus/litmus $build/kmod/arm64-$line/tlblab.ko" ktap \
      tests/litmus/check_mapping.sh \
      "$objects/core/core.o" "$objects/arch/arm64/flush.o" "$objects/linux/platform.o"
  done

  part run-lab "make run on machines with and without the module" "" ktap tests/vm/check_run_lab.sh

  # Would the build and the runner notice? Then all kernels, with the module in each.
  part build-faults "planted faults in the module's build" "$build/kernels/$host-6.12/release" \
    ktap tests/vm/check_module_faults.sh "$host" 6.12
  part runner "planted trouble in a guest" "$build/kmod/$host-6.12/tlblab.ko" \
    ktap tests/vm/check_runner.sh "$host" 6.12
  local guest arch
  for guest in amd64-6.1 amd64-6.12 amd64-newest arm64-6.12-16k arm64-newest; do
    part "guest:$guest" "the module in a guest" "$build/kmod/$guest/tlblab.ko vm-tests" \
      ktap tests/vm/test_guest.sh "${guest%%-*}" "${guest#*-}"
  done
  # What is special in these shows in the quickest tests; the rest of the list runs on others.
  for guest in amd64-newest-rt arm64-6.1 arm64-6.12 arm64-newest-16k; do
    part "guest:$guest" "the module in a guest, its quickest tests" \
      "$build/kmod/$guest/tlblab.ko vm-tests" \
      ktap tests/vm/test_guest.sh "${guest%%-*}" "${guest#*-}" short
  done
  for arch in amd64 arm64; do
    part "instructions:$arch" "instructions per page" "$build/kmod/$arch-6.12/tlblab.ko vm-tests" \
      ktap tests/vm/check_instructions.sh "$arch" 6.12
  done
  for guest in amd64-6.12 arm64-6.12-16k; do
    part "driver:$guest" "the driver in a guest" \
      "$build/kmod/$guest/tlblab.ko $build/tlblab $build/bench/tlblab_bench" \
      ktap driver "${guest%%-*}" "${guest#*-}"
  done

  # Some of these need CPUs of their own for a moment: beside them is only what gives way.
  part sanitizers:asan "unit tests, with bad addresses, leaks, undefined behaviour found" "" \
    gtest sanitized asan
  part sanitizers:tsan "unit tests: data races" "" gtest sanitized tsan

  # The module's tests once more, under kernels that look closer.
  part debug "the module under KASAN, lockdep and more" vm-tests ktap debug_kernel debug
  part kcsan "the module's data races, under KCSAN" vm-tests ktap debug_kernel kcsan

  # By name only: for `make quick`, and where there is more time.
  part unit "unit tests, without checks compiled in" "$build/tests/unit_tests" \
    gtest "$build/tests/unit_tests"
  for line in 6.18 7.2; do
    part "between:$line" "the module in a guest, if Debian has its kernel today" vm-tests \
      ktap kernel_between "$line"
  done
  part cloud "the module builds for the cloud's kernel" \
    "$build/kernels/amd64-newest-cloud/release" \
    check make "$build/kmod/amd64-newest-cloud/tlblab.ko"
  part guest-short "the module in a guest, its quickest tests" \
    "$build/kmod/$host-6.12/tlblab.ko vm-tests" ktap tests/vm/test_guest.sh "$host" 6.12 short
}

# A benchmark that could not run says so but exits 0; with one CPU two of them can't.
benchmarks() {
  local out
  out=$("$build/bench/tlblab_bench" --benchmark_min_time=0.01 2>&1) || return 1
  echo "$out"
  [ "$(nproc)" -lt 2 ] || ! grep -q 'ERROR OCCURRED' <<<"$out"
}

# One make at a time, wherever it began.
make_long() { # GOAL
  local lock=$scratch/lock-${1//\//-}
  flock -n "$lock" true || echo "  WAIT    for $1, which is being made"
  # What make starts and leaves behind must not keep the lock.
  flock -o "$lock" make --no-print-directory BUILD="$build" -j"$(nproc)" "$1"
}

# What takes long to make and is wanted last, with what others leave of the CPUs. The part that
# wants it makes it again: done already, or failing where it shows.
meanwhile() { # [PART GOAL]...
  [ "$step" = run ] && [ "${#wanted[@]}" -eq 0 ] || return 0
  {
    renice -n 19 -p "$BASHPID"
    while [ $# -gt 0 ]; do
      ! chosen "$1" || make_long "$2"
      shift 2
    done
  } >"$scratch/meanwhile.log" 2>&1 &
}

sanitized() { # asan|tsan
  make_long "$build/$1/tests/unit_tests" || return
  local fault faults=thread
  [ "$1" = tsan ] || faults="address undefined"
  for fault in $faults; do
    "$build/$1/tests/planted" "$fault" 2>/dev/null || continue
    echo "$1 did not notice what was planted: $fault"
    return 1
  done
  # std::regex calls itself for each character, and asan makes each call's frame larger.
  [ "$1" = tsan ] || ulimit -s 262144
  "$build/$1/tests/unit_tests"
}

driver() { # ARCH KERNEL
  # Nothing is timed in it.
  make -j"$(nproc)" driver ARCH="$1" CXXFLAGS='-O1 -g1' || return
  tests/vm/test_driver.sh "$1" "$2"
}

# Those that Debian has for a while only.
kernel_between() { # LINE
  local status=0
  kmod/guest/kernels.sh amd64 "$1" || status=$?
  if [ "$status" = 77 ]; then
    echo "ok 1 guest amd64-$1 # SKIP Debian has no Linux $1 today, see above"
    return
  fi
  [ "$status" = 0 ] && make "$build/kmod/amd64-$1/tlblab.ko" || return
  tests/vm/test_guest.sh amd64 "$1" short
}

debug_kernel() { # debug|kcsan
  if [ "$host" != amd64 ]; then
    echo "ok 1 $1 # SKIP debug kernels are built on amd64 hosts only"
    return
  fi
  make_long "$build/kmod/amd64-$1/tlblab.ko" || return
  tests/vm/test_debug.sh "$1"
}

chosen() { # NAME
  local one
  [ "$step" != help ] || return 0
  if [ "${#wanted[@]}" -eq 0 ]; then
    case $1 in unit | guest-short | between:* | cloud) return 1 ;; esac
    return
  fi
  for one in "${wanted[@]}"; do
    [ "$1" != "$one" ] && [ "${1%%:*}" != "$one" ] || return 0
  done
  return 1
}

heading() { # NAME TITLE
  printf '== %s: %s (at %d:%02d)\n' "$1" "$2" $((SECONDS / 60)) $((SECONDS % 60))
}

# What a part's command left in $scratch/NAME.*: its output, exit status, duration, gtest's results.
execute() { # NAME COMMAND...
  local name=$1 began=$SECONDS
  shift
  GTEST_OUTPUT="xml:$scratch/$name.xml" GTEST_BRIEF=1 "$@"
  echo $? >"$scratch/$name.status"
  echo $((SECONDS - began)) >"$scratch/$name.seconds"
}

tally() { # NAME TITLE KIND
  local log=$scratch/$1.log xml=$scratch/$1.xml status all bad errors not_run failures counts
  local number='([0-9]+)'
  status=$(cat "$scratch/$1.status" 2>/dev/null || echo 'none at all')
  took+=("$(printf '%5d s  %s' "$(cat "$scratch/$1.seconds")" "$1")")
  case $3 in
    gtest)
      counts=$(sed -En \
        "2s/.* tests=\"$number\" failures=\"$number\".* errors=\"$number\".*/\1 \2 \3/p" \
        "$xml" 2>/dev/null)
      if [ -n "$counts" ]; then
        read -r all bad errors <<<"$counts"
        not_run=$(grep -c 'result="skipped"' "$xml")
        passed=$((passed + all - bad - errors - not_run))
        failed=$((failed + bad + errors))
        skipped=$((skipped + not_run))
        [ "$status" != 0 ] && [ $((bad + errors)) -eq 0 ] || return
      fi
      ;;
    ktap)
      failures=$(grep -c '^not ok ' "$log")
      skipped=$((skipped + $(grep -c '^ok .*# SKIP' "$log")))
      passed=$((passed + $(grep '^ok ' "$log" | grep -vc '# SKIP')))
      failed=$((failed + failures))
      if grep -q '^\(not \)\?ok ' "$log" && { [ "$status" = 0 ] || [ "$failures" -ne 0 ]; }; then
        return
      fi
      ;;
    check)
      if [ "$status" = 0 ]; then
        passed=$((passed + 1))
        return
      fi
      ;;
  esac
  failed=$((failed + 1))
  echo "FAILED: $1: $2: exit status $status"
}

part() { # NAME TITLE NEEDS KIND COMMAND...
  local name=$1 title=$2 kind=$4
  names+=("$name")
  chosen "$name" || return 0
  case $step in
    help) printf '  %-22s %s\n' "$name" "$title" ;;
    needs) needs+=" $3" ;;
    run)
      heading "$name" "$title"
      execute "$name" "${@:5}" 2>&1 | tee "$scratch/$name.log"
      tally "$name" "$title" "$kind"
      ;;
  esac
}

beside() { # as part
  if [ "$step" != run ]; then
    part "$@"
  elif chosen "$1"; then
    execute "$1" "${@:5}" >"$scratch/$1.log" 2>&1 &
    others+=("$!" "$1" "$2" "$4")
  fi
}

together() {
  local at
  for ((at = 0; at < ${#others[@]}; at += 4)); do
    wait "${others[at]}"
    heading "${others[@]:at+1:2}"
    cat "$scratch/${others[at + 1]}.log"
    tally "${others[@]:at+1:3}"
  done
  others=()
}

names=() needs='' others=() took=()
if [ "${wanted[*]}" = help ]; then
  wanted=() step=help
  parts
  exit
fi
step=needs
parts
for one in "${wanted[@]}"; do
  if ! printf '%s\n' "${names[@]}" "${names[@]%%:*}" | grep -qxF -- "$one"; then
    echo "error: make test knows no part $one. There are:" >&2
    "$0" "$build" help >&2
    exit 2
  fi
done
# shellcheck disable=SC2086  # a list of goals
needs=$(printf '%s\n' $needs | sort -u)
# shellcheck disable=SC2086
if [ -n "$needs" ] && ! make -j$(($(nproc) + 1)) $needs; then # one of them waits for the network
  echo "FAILED: what the tests need could not be built"
  exit 1
fi
SECONDS=0
step=run
parts
printf '%s\n' "${took[@]}"
printf 'took %d min %d s\n' $((SECONDS / 60)) $((SECONDS % 60))
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
