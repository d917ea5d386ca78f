#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# All tests of one guest:
#   tests/vm/test_guest.sh ARCH KERNEL
# after `make modules vm-tests`. Prints the guest's KTAP lines and one line `N passed, N failed, N
# skipped`. Exit status: 0 if none failed.
set -uo pipefail
cd "$(dirname "$0")/../.."
BUILD=${BUILD:-build}
arch=${1:?usage: tests/vm/test_guest.sh ARCH KERNEL} kernel=${2:?usage: tests/vm/test_guest.sh ARCH KERNEL}
programs=$BUILD/vm/programs/$arch
passed=0 failed=0 skipped=0

# Runs a command in the guest and counts its KTAP lines; a guest that fails otherwise is a failure.
guest() { # NAME COMMAND
  local status=0 output=$BUILD/vm/$1/output.log
  ARCH=$arch KERNEL=$kernel NAME=$1 DRIVER=no MEM=512M tests/vm/run_vm.sh "$2" || status=$?
  skipped=$((skipped + $(grep -c '^ok .*# SKIP' "$output")))
  passed=$((passed + $(grep '^ok ' "$output" | grep -vc '# SKIP')))
  failed=$((failed + $(grep -c '^not ok ' "$output")))
  # Tests that failed have been counted; anything else has not.
  if [ "$status" -ne 0 ] && { [ "$status" -ge 70 ] || ! grep -q '^not ok ' "$output"; }; then
    echo "not ok: guest $1 ended with status $status"
    failed=$((failed + 1))
  fi
}

# One kernel of each architecture checks its allocator as it goes, as far as Debian built that in.
[ "$kernel" != 6.1 ] \
  || export CMDLINE="slub_debug=FZP page_poison=1 kfence.sample_interval=10"
# A second MMU, to be refused: x86 emulates AMD's, arm64 needs its hypervisor mode.
case $arch in
  amd64) export GUEST_MODULES=kvm-amd ;;
  arm64) [ "$kernel" = 6.1 ] || export QEMU_ARGS="-machine virtualization=on" ;;
esac
export FILES="$programs/vm_tests tests/vm/load_test.sh"
command='/root/vm_tests; a=$?; /root/load_test.sh && [ $a = 0 ]'
if [ "$arch" = amd64 ]; then
  FILES+=" $programs/caller32"
  command="if /root/caller32; then echo ok caller_of_32_bits; else echo not ok caller_of_32_bits: step \$?; fi; $command"
fi
guest "$arch-$kernel" "$command"

# Where unsigned modules are refused nothing can be loaded, and nothing may break.
if [ "$arch-$kernel" = amd64-6.12 ]; then
  MODULE=no CMDLINE=lockdown=integrity GUEST_MODULES='' \
    FILES="$BUILD/kmod/$arch-$kernel/tlblab.ko:/root/tlblab.ko" guest "$arch-$kernel-lockdown" \
    'insmod /root/tlblab.ko && echo "not ok lockdown_refuses_the_module" || echo "ok lockdown_refuses_the_module"'
fi

echo "$arch, Linux $kernel: $passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
