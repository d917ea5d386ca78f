#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# The driver with the module in a guest, as a user has it: the study lab-counts, its report made
# here, and the oracle.
#   tests/vm/test_driver.sh ARCH KERNEL
# after `make modules` and `make driver ARCH=...`. KTAP output. Exit status: 0 if none failed.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit
BUILD=${BUILD:-build}
usage="usage: tests/vm/test_driver.sh ARCH KERNEL"
export ARCH=${1:?$usage} KERNEL=${2:?$usage}
export NAME=driver-$ARCH-$KERNEL TCG_THREADS=single
export FILES=bench/studies/lab-counts.toml:/usr/share/tlblab/studies/lab-counts.toml
results=$BUILD/vm/$NAME/results
failed=0

result() { # STATUS NAME
  if [ "$1" -eq 0 ]; then
    echo "ok $2 on $ARCH, Linux $KERNEL"
  else
    echo "not ok $2 on $ARCH, Linux $KERNEL"
    failed=1
  fi
}
holds() { # NAME COMMAND...
  local name=$1 status=0
  shift
  "$@" || status=$?
  result "$status" "$name"
}

command='tlblab info >/results/info && tlblab list >/results/list &&
  tlblab study lab-counts --output /results/lab-counts.jsonl.zst'
# The benchmarks of the module's calls: that they run, since their times are none here.
if [ "$ARCH" = "$(dpkg --print-architecture)" ]; then
  FILES+=" $BUILD/bench/tlblab_bench"
  command+=' && /root/tlblab_bench --benchmark_filter=lab --benchmark_min_time=0.01 >/results/bench'
fi
kmod/guest/run_vm.sh "$command"
result $? 'a study runs in a guest'
holds 'the module is named by info' grep -q 'loaded, ABI 2' "$results/info"
holds 'the gathers are listed' grep -q 'unmap:full-mm' "$results/list"
holds 'the report is made elsewhere' "$BUILD/tlblab" report "$results/lab-counts.jsonl.zst"
holds 'requests are just those due' \
  grep -q 'counted, in every operation, just the flush requests that are due' \
  "$results/lab-counts.md"
[ ! -e "$results/bench" ] \
  || holds 'its benchmarks run' grep -q '^BM_lab_populate/10000 .*per_page' "$results/bench"
# The oracle, with CPUs that run at the same time.
TCG_THREADS=multi NAME=check-$ARCH-$KERNEL FILES='' kmod/guest/run_vm.sh 'tlblab check --quick'
result $? 'every planted fault is caught, and every sound scheme is clean,'
holds 'emulated time is not shown' grep -q 'Emulated time is not time' "$results/lab-counts.md"
exit "$failed"
