#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Boots a Debian kernel under QEMU, with the module loaded and the driver at hand, and runs a
# command:
#   ARCH=arm64 KERNEL=6.12 kmod/guest/run_vm.sh 'tlblab list'
# Settings come from the environment:
#   ARCH        amd64 or arm64; this host's when unset
#   KERNEL      6.1, 6.12, or another KERNEL for which there is a folder build/kernels/ARCH-KERNEL
#               of the same form, such as 6.12-16k; 6.12 when unset
#   CPUS, MEM   4 and 1G when unset
#   CPU_MODEL   one of QEMU's -cpu, such as neoverse-n1; max, with all that QEMU has, when unset
#   CMDLINE     words added to the kernel's command line
#   QEMU_ARGS   words added to QEMU's
#   MODULE      no: don't load the module
#   MODULE_PARAMETERS   words for insmod
#   DRIVER      the driver to take along, no for none; the one built for ARCH when unset
#   GUEST_MODULES   modules of the kernel's own to load first, with what they depend on
#   FILES       more files, as path:guestpath or path (then in /root); programs take libraries along
#   TIMEOUT     seconds after which the guest is killed; 300 when unset
#   ACCEL       kvm or tcg; when unset, kvm if a guest was seen to boot under it here, else tcg
#   TCG_THREADS single: one host thread runs all CPUs of an emulated guest, by turns. Slower, and
#               for x86 guests that patch their code while CPUs run it (perf events, tracepoints;
#               booting does, too, but with one CPU): QEMU 7.2 may run a breakpoint that is no
#               longer there
#   NAME        folder of build/vm for what the run leaves; ARCH-KERNEL when unset. One run at a
#               time per folder: a second one waits.
# The command's output goes to stdout as it comes; what it left in /results comes back in
# build/vm/NAME/results, beside kernel.log and console.log. Exit status: the command's own, or
#   70  the kernel complained: its log is scanned, and the lines shown
#   71  the guest died, hung, or sent less than it should
#   72  the module did not load, or could not be unloaded afterwards
#   1   the guest could not be started; the message says why
set -euo pipefail
cd "$(dirname "$0")/../.."
BUILD=${BUILD:-build}
PATH=$PATH:/usr/sbin:/sbin
command=${1:?usage: ARCH=... KERNEL=... kmod/guest/run_vm.sh COMMAND}

host_arch=$(dpkg --print-architecture)
arch=${ARCH:-$host_arch} kernel=${KERNEL:-6.12}
cpus=${CPUS:-4} memory=${MEM:-1G} timeout=${TIMEOUT:-300}
tree=$BUILD/kernels/$arch-$kernel
out=$BUILD/vm/${NAME:-$arch-$kernel}

say() { echo "vm: $*" >&2; }
fail() { # STATUS MESSAGE...
  local status=$1
  shift
  say "error: $*"
  exit "$status"
}

case $arch in
  amd64)
    qemu=(qemu-system-x86_64 -machine q35)
    cpu=${CPU_MODEL:-max} console=ttyS0 libraries=/usr/lib/x86_64-linux-gnu
    ;;
  arm64)
    qemu=(qemu-system-aarch64 -machine 'virt,gic-version=3')
    # The architecture's own algorithm for pointer signatures is slow to emulate.
    cpu=${CPU_MODEL:-max,pauth-impdef=on} console=ttyAMA0 libraries=/usr/lib/aarch64-linux-gnu
    ;;
  *) fail 1 "ARCH=$arch: amd64 and arm64 are known" ;;
esac
command -v "${qemu[0]}" >/dev/null || fail 1 "${qemu[0]} is missing: make setup-test"
[ -e "$tree/release" ] || fail 1 "$tree is missing: kmod/guest/kernels.sh $arch $kernel"
release=$(cat "$tree/release")
root=
[ "$arch" = "$host_arch" ] || root=$BUILD/sysroot/$arch

mkdir -p "$out"
exec 9>"$out/lock"
flock 9
scratch=$(mktemp -d)
children=()
stop() {
  [ "${#children[@]}" -eq 0 ] || kill "${children[@]}" 2>/dev/null || true
  rm -rf "$scratch"
}
trap stop EXIT
trap 'exit 143' TERM
trap 'exit 130' INT

# KVM may exist and still be unable to run a guest: only booting one proves it. The answer holds
# until this machine reboots.
kvm_boots() {
  local answer=$BUILD/vm/kvm-$arch boot
  boot=$(cat /proc/sys/kernel/random/boot_id)
  [ "$arch" = "$host_arch" ] && [ -w /dev/kvm ] || return 1
  if ! grep -qs "^$boot" "$answer"; then
    if ACCEL=kvm TIMEOUT=10 CPUS=2 KERNEL=$kernel NAME=kvm-probe MODULE=no DRIVER=no FILES='' \
      CMDLINE='' QEMU_ARGS='' CPU_MODEL='' GUEST_MODULES='' "$0" true >/dev/null 2>&1 9>&-; then
      echo "$boot yes" >"$answer"
    else
      echo "$boot no" >"$answer"
    fi
  fi
  grep -q 'yes$' "$answer"
}

accel=${ACCEL:-}
if [ -z "$accel" ]; then
  accel=tcg
  ! kvm_boots || accel=kvm
fi
case $accel in
  tcg)
    means='emulation (TCG)'
    # With -icount, where the clock counts instructions, one thread must run all CPUs.
    threads=${TCG_THREADS:-multi}
    [[ ${QEMU_ARGS:-} != *-icount* ]] || threads=single
    qemu+=(-accel "tcg,thread=$threads")
    ;;
  kvm)
    # KVM's paravirtual flushes and IPIs would replace the ones under test.
    means=KVM
    [ "$arch" = arm64 ] || cpu+=,kvm-pv-tlb-flush=off,kvm-pv-ipi=off
    qemu+=(-accel kvm)
    ;;
  *) fail 1 "ACCEL=$accel: kvm and tcg are known" ;;
esac
say "$arch, Linux $release, $cpus CPUs, $memory, $means"

# The libraries that a program names, and those that they name, with its loader.
add_libraries() { # FILE
  local interpreter name
  interpreter=$(readelf -l "$1" 2>/dev/null | sed -n 's/.*interpreter: \(.*\)]/\1/p') || true
  [ -z "$interpreter" ] || install -D "$(realpath "$root$interpreter")" "$scratch/guest$interpreter"
  for name in $(readelf -d "$1" 2>/dev/null | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p'); do
    [ ! -e "$scratch/guest/usr/lib/$name" ] || continue
    [ -e "$root$libraries/$name" ] || fail 1 "$1 needs $name, which is not in $root$libraries"
    install -D "$(realpath "$root$libraries/$name")" "$scratch/guest/usr/lib/$name"
    add_libraries "$root$libraries/$name"
  done
}

add_file() { # FILE GUESTPATH
  [ -e "$1" ] || fail 1 "$1 is missing"
  install -D "$1" "$scratch/guest$2"
  add_libraries "$1"
}

install -D kmod/guest/init "$scratch/guest/init"
install -D "$tree/bin/busybox" "$scratch/guest/bin/busybox"
# The driver reads the kernel's configuration.
[ ! -e "$tree/boot/config-$release" ] \
  || install -D -m 644 "$tree/boot/config-$release" "$scratch/guest/boot/config-$release"
printf '%s\n' "$command" >"$scratch/guest/command"
printf '%s\n' "${MODULE_PARAMETERS:-}" >"$scratch/guest/module_parameters"
if [ "${MODULE:-}" != no ]; then
  module=$BUILD/kmod/$arch-$kernel/tlblab.ko
  [ -e "$module" ] || fail 1 "$module is missing: make module ARCH=$arch KERNEL=$kernel"
  install "$module" "$scratch/guest/tlblab.ko"
fi
driver=${DRIVER:-}
if [ -z "$driver" ]; then
  driver=$BUILD/tlblab
  [ "$arch" = "$host_arch" ] || driver=$BUILD/$arch/tlblab
  [ -e "$driver" ] || fail 1 "$driver is missing: make driver ARCH=$arch, or say DRIVER=no"
fi
[ "$driver" = no ] || add_file "$driver" /usr/bin/tlblab
for file in ${FILES:-}; do
  case $file in
    *:*) add_file "${file%%:*}" "${file#*:}" ;;
    *) add_file "$file" "/root/${file##*/}" ;;
  esac
done
# Numbered in the order in which they must be loaded.
mkdir -p "$scratch/guest/modules"
number=100
for module in virtio_pci virtio_console ${GUEST_MODULES:-}; do
  modprobe -d "$tree" -S "$release" --show-depends "$module" >"$scratch/depends" \
    || fail 1 "Linux $release has no module $module"
  while read -r kind path _; do
    if [ "$kind" = insmod ] && ! ls "$scratch"/guest/modules/*-"${path##*/}" >/dev/null 2>&1; then
      cp "$path" "$scratch/guest/modules/$number-${path##*/}"
      number=$((number + 1))
    fi
  done <"$scratch/depends"
done
(cd "$scratch/guest" && find . | cpio --quiet -o -H newc --owner=0:0) >"$scratch/initramfs"

# The kernel's messages are read from its buffer at the end, so the buffer is large enough for all
# of them. The console shows the severe ones at once, in case the guest never gets to its end.
# On a busy host x86's watchdog gives up the TSC for no reason, and CPUs that come up later
# calibrate their delays for seconds.
[ "$arch" = arm64 ] || CMDLINE="tsc=nowatchdog lpj=8000000 ${CMDLINE:-}"
# init brings up the other CPUs, after the kernel has patched its own code. Idle CPUs run some of
# that all the time, sched_clock_cpu() for one: see TCG_THREADS for what can go wrong in QEMU.
words="console=$console maxcpus=1 quiet loglevel=5 log_buf_len=8M oops=panic panic=-1 ${CMDLINE:-}"
rm -rf "$out"/{results,kernel.log,console.log,output.log}
mkdir -p "$out/results"
mkfifo "$scratch/output"
touch "$scratch/control" "$out/console.log"
started=$(date +%s%N)
tee "$out/output.log" <"$scratch/output" &
children+=("$!")
# shellcheck disable=SC2086  # QEMU_ARGS is a list of words
timeout --foreground --kill-after=5 "$timeout" "${qemu[@]}" -cpu "$cpu" -smp "$cpus" -m "$memory" \
  -nodefaults -display none -no-reboot -kernel "$tree/vmlinuz" -initrd "$scratch/initramfs" \
  -append "$words" -serial "file:$out/console.log" -device virtio-serial-pci \
  -chardev "file,id=output,path=$scratch/output" -device virtserialport,chardev=output,nr=1 \
  -chardev "file,id=tar,path=$scratch/guest.tar" -device virtserialport,chardev=tar,nr=2 \
  -chardev "file,id=control,path=$scratch/control" -device virtserialport,chardev=control,nr=3 \
  ${QEMU_ARGS:-} </dev/null >"$scratch/qemu.log" 2>&1 9>&- &
machine=$!
children+=("$machine")
qemu_status=0
{ wait "$machine"; } 2>/dev/null || qemu_status=$?
# A QEMU that never started has not opened the pipe either, and tee still waits for it.
exec 8<>"$scratch/output" 8>&-
wait "${children[0]}" || true
children=()
took_ms=$((($(date +%s%N) - started) / 1000000))

told() { # NAME: what the guest said of it
  sed -n "s/^$1 //p" "$scratch/control" | tail -n 1
}
tail_of_console() {
  tail -n 20 "$out/console.log" 2>/dev/null | tr -d '\r' | sed 's/^/vm: console: /' >&2
}

sum=$(told sha256)
whole=no
if [ -n "$sum" ] && [ "$(sha256sum "$scratch/guest.tar" | cut -d' ' -f1)" = "$sum" ]; then
  tar -x -m -C "$out" --no-same-owner -f "$scratch/guest.tar"
  whole=yes
fi
logs=("$out/console.log")
[ ! -e "$out/kernel.log" ] || logs+=("$out/kernel.log")
if ! kmod/guest/scan_log.sh "${logs[@]}" >&2; then
  fail 70 "the kernel complained, see the lines above and $out/"
fi
if [ "$qemu_status" = 124 ] || [ "$qemu_status" = 137 ]; then
  tail_of_console
  fail 71 "no end after $timeout s (TIMEOUT): given up"
fi
if [ "$qemu_status" != 0 ]; then
  cat "$scratch/qemu.log" >&2
  fail 71 "QEMU ended with status $qemu_status"
fi
if [ -z "$(told ended)" ]; then
  tail_of_console
  fail 71 "the guest died"
fi
[ "$whole" = yes ] || fail 71 "the results did not arrive whole"
grep -q 'Linux version' "$out/kernel.log" || fail 71 "the guest's kernel log lost its beginning"
case $(told module) in
  refused) fail 72 "the module did not load, see $out/output.log and $out/kernel.log" ;;
  stuck) fail 72 "the module could not be unloaded after the command" ;;
esac
took=$((took_ms / 1000)).$((took_ms / 100 % 10))
say "took $took s: booted after $(told booted), ended after $(told ended)"
exit "$(told status)"
