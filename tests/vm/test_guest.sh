#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# All tests of one guest:
#   tests/vm/test_guest.sh ARCH KERNEL [short]      short: half a minute's worth
# after `make modules vm-tests`. KTAP output. Exit status: 0 if none failed.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit
BUILD=${BUILD:-build}
usage="usage: tests/vm/test_guest.sh ARCH KERNEL [short]"
arch=${1:?$usage} kernel=${2:?$usage}
programs=$BUILD/vm/programs/$arch
failed=0

# Runs a command in the guest. A guest that fails without a test that failed is a failure, too.
guest() { # NAME COMMAND
  local status=0 output=$BUILD/vm/$1/output.log
  ARCH=$arch KERNEL=$kernel NAME=$1 DRIVER=no MEM=512M kmod/guest/run_vm.sh "$2" || status=$?
  [ "$status" -ne 0 ] || return
  failed=1
  if [ "$status" -ge 70 ] || ! grep -q '^not ok ' "$output"; then
    echo "not ok guest $1 ended with status $status"
  fi
}

# One kernel of each architecture checks its allocator as it goes, as far as Debian built that in.
[ "$kernel" != 6.1 ] \
  || export CMDLINE="slub_debug=FZP page_poison=1 kfence.sample_interval=10"
export FILES="$programs/vm_tests $BUILD/vm/programs/schedules tests/vm/load_test.sh"

tests=/root/vm_tests
if [ "${3:-}" = short ]; then
  # The slowest are left out, above all those that keep every CPU busy.
  tests+=' -another_mmu -random_calls -fault_of_every -memory_ -pace_ -two_ -replay_'
  guest "$arch-$kernel-short" "$tests -books_balance_at"
  exit "$failed"
fi
# A second MMU, to be refused: arm64 needs its hypervisor mode, in which servers run, too. x86
# emulates AMD's, in a guest of its own with one CPU, because KVM patches the scheduler: see
# TCG_THREADS in run_vm.sh.
case $arch in
  amd64)
    CPUS=1 GUEST_MODULES=kvm-amd guest "$arch-$kernel-kvm" "$tests another_mmu"
    tests+=' -another_mmu'
    ;;
  arm64)
    # A CPU whose broadcast invalidations complete too early, which -cpu max is not.
    CPU_MODEL=neoverse-n1 guest "$arch-$kernel-n1" "EXPECT_REPEAT=1 $tests completion_is_repeated"
    [ "$kernel" = 6.1 ] || export QEMU_ARGS="-machine virtualization=on"
    ;;
esac
command="$tests; a=\$?; /root/load_test.sh && [ \$a = 0 ]"
if [ "$arch" = amd64 ]; then
  FILES+=" $programs/caller32"
  command="/root/caller32 && echo ok caller_of_32_bits || echo not ok caller_of_32_bits; $command"
fi
guest "$arch-$kernel" "$command"

# Most of the memory is for what can be moved, which frames can't.
if [ "$arch-$kernel" = amd64-6.12 ]; then
  CMDLINE=movablecore=380M guest "$arch-$kernel-movable" "$tests memory_that_is_only"
fi

# Where unsigned modules are refused nothing can be loaded, and nothing may break.
if [ "$arch-$kernel" = amd64-6.12 ]; then
  # shellcheck disable=SC2016  # the guest's shell expands it
  MODULE=no CMDLINE=lockdown=integrity \
    FILES="$BUILD/kmod/$arch-$kernel/tlblab.ko:/root/tlblab.ko" guest "$arch-$kernel-lockdown" \
    't=lockdown_refuses_the_module; insmod /root/tlblab.ko && echo not ok $t || echo ok $t'
fi

exit "$failed"
