#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Does run_vm.sh see what goes wrong in a guest? Plants one trouble after another and compares the
# exit status and what is said:
#   tests/vm/check_runner.sh ARCH KERNEL       (this host's architecture and 6.12 when not given)
# KTAP output. Exit status: 0 when all was seen.
set -euo pipefail
cd "$(dirname "$0")/../.."
export ARCH=${1:-$(dpkg --print-architecture)} KERNEL=${2:-6.12}
export DRIVER=no NAME=check-runner-$ARCH-$KERNEL
out=${BUILD:-build}/vm/$NAME
. tests/vm/ktap.sh

expect() { # STATUS SAYS NAME COMMAND: SAYS is looked for in all that the runner prints
  local status=0 verdict=0
  kmod/guest/run_vm.sh "$4" >"$scratch/log" 2>&1 || status=$?
  [ "$status" -eq "$1" ] || verdict=1
  grep -q "$2" "$scratch/log" || verdict=1
  echo "exit status $status, $1 expected" >>"$scratch/log"
  result "$verdict" "$3"
}

echo 'TAP version 13'
echo '1..16'

expect 37 '^planted output$' "output, status and results come back" \
  'echo planted output; head -c 2000000 /dev/urandom >/results/a;
   sha256sum </results/a >/results/b; exit 37'
verdict=1
if [ -s "$out/results/a" ] && [ "$(sha256sum <"$out/results/a")" = "$(cat "$out/results/b")" ]; then
  verdict=0
fi
result "$verdict" 'a result file of 2 MB arrives as it was'
expect 70 'WARNING: planted' 'a warning in the kernel log fails the run' \
  'echo "<6>WARNING: planted" >/dev/kmsg'
expect 70 'Kernel panic' 'a panic fails the run' 'echo c >/proc/sysrq-trigger'
expect 71 'the guest died' 'a guest that ends too early fails the run' 'poweroff -f; sleep 60'
TIMEOUT=15 expect 71 'no end after 15 s' 'a hanging guest is given up' 'sleep 1000'
expect 72 'could not be unloaded' 'a module left in use fails the run' \
  'sleep 1000 </dev/tlblab & sleep 1'
CMDLINE=module.sig_enforce=1 expect 72 'did not load' 'a module that is refused fails the run' true

# A later update of the same kernel, which the versions of the symbols allow: of the module's own
# release one digit is another, in all places.
release=$(cat "${BUILD:-build}/kernels/$ARCH-$KERNEL/release")
case $release in
  *0*) other=${release/0/9} ;;
  *) other=${release/[1-9]/0} ;;
esac
LC_ALL=C sed "s/${release//./\\.}/$other/g" "${BUILD:-build}/kmod/$ARCH-$KERNEL/tlblab.ko" \
  >"$scratch/other.ko"
FILES="$scratch/other.ko" expect 0 "tlblab: built for Linux $other, and this is $release:" \
  'a module built for another release is refused in words' \
  'rmmod tlblab; ! insmod /root/other.ko || exit 1; dmesg | grep tlblab:'

MODULE_PARAMETERS='planted=1' expect 0 'unknown parameter' 'parameters reach the module' \
  'dmesg | grep tlblab:'
CPU_MODEL=planted expect 71 "unable to find CPU model 'planted'" 'the CPU is the one asked for' true

# A kernel of one's own: a tree in which this one might have been built.
tree=${BUILD:-build}/kernels/$ARCH-$KERNEL own=$scratch/own/$(readlink "$tree/headers")
case $ARCH in
  amd64) image=arch/x86/boot/bzImage ;;
  arm64) image=arch/arm64/boot/Image ;;
esac
own() { # STATUS SAYS NAME
  local status=0 verdict=0
  make --no-print-directory BUILD="${BUILD:-build}" vm "ARCH=$ARCH" "KERNEL=$own" \
    MODULE=no DRIVER=no CMD='uname -r' >"$scratch/log" 2>&1 || status=$?
  [ "$status" -eq "$1" ] || verdict=1
  grep -qx -- "$2" "$scratch/log" || verdict=1
  result "$verdict" "$3"
}
mkdir -p "$own"/{include/config,drivers} "$(dirname "$own/$image")"
cp "$tree/headers/include/config/kernel.release" "$own/include/config"
grep -v VIRTIO_CONSOLE "$tree/headers/.config" >"$own/.config"
own 2 "error: there is no $image in $own: build it there first" 'a kernel that was not built'
cp "$tree/vmlinuz" "$own/$image"
own 2 'error: .*: scripts/config -e VIRTIO_CONSOLE .*' 'a kernel without what guests need'
cp "$tree/headers/.config" "$own"
cp -r "$tree/lib/modules/$release/kernel/drivers"/{virtio,char} "$own/drivers"
cp "$tree/lib/modules/$release"/modules.{order,builtin*} "$own"
own 0 "$release" "a kernel of one's own boots"

# The scan alone, on what kernels say.
verdict=0
while IFS= read -r line; do
  printf '[    1.000000] tlblab: loaded\n[    2.000000] %s\n' "$line" >"$scratch/kernel.log"
  if kmod/guest/scan_log.sh "$scratch/kernel.log" >/dev/null; then
    echo "not seen: $line" >>"$scratch/log"
    verdict=1
  fi
done <<'END'
WARNING: CPU: 1 PID: 100 at mm/memory.c:1 planted+0x1/0x2
WARNING: possible circular locking dependency detected
WARNING: possible recursive locking detected
WARNING: suspicious RCU usage
BUG: KASAN: slab-use-after-free in planted+0x1/0x2
BUG: Bad page state in process tlblab  pfn:1
BUG: sleeping function called from invalid context at mm/memory.c:1
UBSAN: array-index-out-of-bounds in planted.c:1
Call Trace:
Call trace:
Oops: 0000 [#1] PREEMPT SMP
Internal error: Oops: 0000000096000004 [#1] SMP
Unable to handle kernel paging request at virtual address 0000000000000001
general protection fault, probably for non-canonical address 0x1: 0000 [#1]
kmemleak: 1 new suspected memory leaks (see /sys/kernel/debug/kmemleak)
unreferenced object 0xffff888000000000 (size 64):
rcu: INFO: rcu_preempt detected stalls on CPUs/tasks:
watchdog: BUG: soft lockup - CPU#1 stuck for 22s!
INFO: task tlblab:100 blocked for more than 120 seconds.
tlblab: leak: 1 frame
Kernel panic - not syncing: planted
END
result "$verdict" 'the scan knows what kernels complain with'

# A data race counts if the module is in it.
verdict=0
race() { # FRAME [LINE]...: a report, as KCSAN writes it
  local edge='=================================================================='
  printf '[    3.000000] %s\n' "$edge" 'BUG: KCSAN: data-race in one / other' '' \
    'write to 0xffff888000000000 of 8 bytes by task 1 on cpu 0:' " one+0x1/0x2" '' \
    'read to 0xffff888000000000 of 8 bytes by task 2 on cpu 1:' " $1" "$edge" "${@:2}"
}
race 'other+0x1/0x2' >"$scratch/kernel.log"
kmod/guest/scan_log.sh "$scratch/kernel.log" >"$scratch/log" || verdict=1
grep -q ' 1 data races of the kernel' "$scratch/log" || verdict=1
# The kernel's flush reads the mask of CPUs; what it is asked for by is not part of that.
below=$'\n[    3.000000]  lab_shootdown+0x1/0x2 [tlblab]'
race "smp_call_function_many_cond+0x1/0x2$below" >"$scratch/kernel.log"
kmod/guest/scan_log.sh "$scratch/kernel.log" >"$scratch/log" || verdict=1
race "memcpy+0x1/0x2$below" >"$scratch/kernel.log"
! kmod/guest/scan_log.sh "$scratch/kernel.log" >"$scratch/log" || verdict=1
{ race 'other+0x1/0x2' && race 'lab_ioctl+0x1/0x2 [tlblab]'; } >"$scratch/kernel.log"
! kmod/guest/scan_log.sh "$scratch/kernel.log" >"$scratch/log" || verdict=1
grep -q 'data-race in one' "$scratch/log" || verdict=1
race 'other+0x1/0x2' 'WARNING: planted' >"$scratch/kernel.log"
! kmod/guest/scan_log.sh "$scratch/kernel.log" >"$scratch/log" || verdict=1
race 'other+0x1/0x2' | head -n 5 >"$scratch/kernel.log"
! kmod/guest/scan_log.sh "$scratch/kernel.log" >"$scratch/log" || verdict=1
result "$verdict" 'the scan tells the races of the module from others'
exit "$failed"
