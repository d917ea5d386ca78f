#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# The guest tests under the debug kernel: KASAN, lock proving, page-table checks, kmemleak.
#   tests/vm/test_debug.sh
# after `make test-debug` has built what it needs. KTAP output. Exit status: 0 if none failed.
set -uo pipefail
cd "$(dirname "$0")/../.."
BUILD=${BUILD:-build}
# All planted faults at once, with little memory, for minutes: here somebody looks. kmemleak believes an
# object lost only when it is some seconds old, and seen lost twice.
command='FAULT_SECONDS=120 /root/vm_tests -another_mmu; a=$?; /root/load_test.sh || a=1
rmmod tlblab && insmod /tlblab.ko || a=1
for scan in 1 2; do sleep 6; echo scan >/sys/kernel/debug/kmemleak; done
cat /sys/kernel/debug/kmemleak >/results/kmemleak
[ ! -s /results/kmemleak ] && echo "ok nothing_leaked" || echo "not ok nothing_leaked"
exit $a'
# While the kernel looks at its first CPU it takes five levels of page tables for four, and what KASAN
# finds in an interrupt then is nothing.
CMDLINE=no5lvl ARCH=amd64 KERNEL=debug NAME=debug DRIVER=no MEM=1G TIMEOUT=900 \
  FILES="$BUILD/vm/programs/amd64/vm_tests $BUILD/vm/programs/schedules tests/vm/load_test.sh" \
  tests/vm/run_vm.sh "$command"
status=$?
[ "$status" -eq 0 ] || echo "not ok the debug kernel's guest ended with status $status"
exit "$status"
