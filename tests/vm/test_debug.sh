#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# The module's tests in a guest whose kernel looks closer:
#   tests/vm/test_debug.sh debug    KASAN, lockdep, page-table checks, UBSAN, kmemleak
#   tests/vm/test_debug.sh kcsan    data races
# after `make build/kmod/amd64-debug/tlblab.ko vm-tests` (-kcsan). KTAP output. Exit status: 0 if
# none failed.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit
BUILD=${BUILD:-build}
variant=${1:?usage: tests/vm/test_debug.sh debug|kcsan}

# Ordinary memory has somewhere to go, so that entries beside the module's come and go.
swap='echo 128M >/sys/block/zram0/disksize && mkswap /dev/zram0 >/dev/null && swapon /dev/zram0'
case $variant in
  debug)
    # All planted faults at once, with little memory, for half a minute, and calls by lot for
    # another: here somebody looks. kmemleak believes an object lost only when it is some seconds
    # old, and seen lost twice.
    # shellcheck disable=SC2016  # the guest's shell expands it
    command="FAULT_SECONDS=30 /root/vm_tests -another_mmu -random_calls; a=\$?
$swap || a=1
RANDOM_SECONDS=30 /root/vm_tests random_calls || a=1
swapoff /dev/zram0 || a=1
/root/load_test.sh || a=1"'
rmmod tlblab && insmod /tlblab.ko || a=1
for scan in 1 2; do sleep 6; echo scan >/sys/kernel/debug/kmemleak; done
cat /sys/kernel/debug/kmemleak >/results/kmemleak
[ ! -s /results/kmemleak ] && echo "ok nothing_leaked" || echo "not ok nothing_leaked"
exit $a'
    ;;
  kcsan)
    # A race needs two who run at one time, again and again; what only counts or only takes long
    # adds nothing.
    command="/root/vm_tests books_balance two_ caller_killed memory_cap pace_ replay_shows; a=\$?
$swap || a=1
RANDOM_SECONDS=40 /root/vm_tests random_calls || a=1
exit \$a"
    ;;
  *)
    echo "usage: tests/vm/test_debug.sh debug|kcsan" >&2
    exit 2
    ;;
esac
# While the kernel looks at its first CPU it takes five levels of page tables for four, and what
# KASAN finds in an interrupt then is nothing. What the stock kernel races for would fill the
# console.
words=no5lvl
[ "$variant" = debug ] || words='loglevel=3'
CMDLINE=$words ARCH=amd64 KERNEL=$variant NAME=$variant DRIVER=no MEM=1G TIMEOUT=900 \
  FILES="$BUILD/vm/programs/amd64/vm_tests $BUILD/vm/programs/schedules tests/vm/load_test.sh" \
  kmod/guest/run_vm.sh "$command"
status=$?
[ "$status" -eq 0 ] || echo "not ok the $variant kernel's guest ended with status $status"
exit "$status"
