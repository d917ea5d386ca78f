#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Does the build refuse what the kernel can't run? Plants one fault after another in a copy of the
# module's sources and sees each build fail for that reason, after the copy was seen to build:
#   tests/vm/check_module_faults.sh ARCH KERNEL       (amd64 6.12 when not given)
# KTAP output. Exit status: 0 when every fault was refused.
set -euo pipefail
cd "$(dirname "$0")/../.."
arch=${1:-$(dpkg --print-architecture)} kernel=${2:-6.12}
headers=$PWD/${BUILD:-build}/kernels/$arch-$kernel/headers
if [ ! -e "$headers" ]; then
  echo "error: kmod/guest/kernels.sh $arch $kernel comes first" >&2
  exit 1
fi
. tests/vm/ktap.sh

build() {
  "$scratch/kmod/build.sh" "$arch" "$headers" "$scratch/out" >"$scratch/log" 2>&1
}

plant() { # NAME FILE SAYS: appends stdin to FILE; the build must fail and say SAYS
  local status=0
  cat >>"$scratch/$2"
  ! build || status=1
  cp "$2" "$scratch/$2"
  grep -q "$3" "$scratch/log" || status=1
  [ ! -e "$scratch/out/tlblab.ko" ] || status=1
  result "$status" "$1"
}

echo 'TAP version 13'
echo '1..16'
cp -r Kbuild kmod include "$scratch"
status=0
build || status=$?
result "$status" 'the sources as they are build'

plant 'a global built at run time is refused' kmod/core/core.cc 'has .init_array' <<'END'
struct Planted {
  int value;
  Planted() { asm volatile("" : "=r"(value)); }
};
extern "C" Planted planted_global;
Planted planted_global;
END

plant 'a virtual destructor is refused' kmod/core/core.cc 'needs _ZdlPv' <<'END'
struct Planted {
  virtual ~Planted();
};
Planted::~Planted() {}
END

plant 'a call of the C++ runtime is refused' kmod/core/core.cc 'needs __cxa_guard_acquire' <<'END'
extern "C" int __cxa_guard_acquire(void*);
extern "C" int planted_guard();
int planted_guard() { return __cxa_guard_acquire(nullptr); }
END

plant 'a function that this kernel does not export is refused' kmod/core/core.cc \
  'needs flush_tlb_mm_range' <<'END'
extern "C" void flush_tlb_mm_range();
extern "C" void planted_call();
void planted_call() { flush_tlb_mm_range(); }
END

plant 'a C warning is refused' kmod/linux/device.c 'planted_unused' <<'END'
static int planted_unused(void)
{
	return 1;
}
END

# modpost warns of a reference from a kept section to one that is freed, and goes on.
plant 'a warning of modpost is refused' kmod/linux/device.c 'WARNING: modpost' <<'END'
static int __initdata planted_freed = 1;
int *planted_kept(void);
int *planted_kept(void)
{
	return &planted_freed;
}
END

sed -i '/^ldflags-y/d' "$scratch/Kbuild"
plant 'groups of sections are refused' Kbuild 'has groups of sections' </dev/null

# A kernel that is newer than those known to work, and the way out.
sed -i 's/>= KERNEL_VERSION(7, 4, 0)/>= KERNEL_VERSION(6, 2, 0)/' "$scratch/kmod/linux/compat.h"
status=0
! build || status=1
grep -q '^error: tlblab was tried on Linux 6.1 to 7.3, this is newer: ANY_KERNEL=yes' \
  "$scratch/log" || status=1
[ ! -e "$scratch/out/tlblab.ko" ] || status=1
result "$status" 'a kernel that nobody tried is refused'
status=0
ANY_KERNEL=yes build || status=$?
[ -e "$scratch/out/tlblab.ko" ] || status=1
result "$status" 'a kernel that nobody tried is built for if it is wanted'
cp kmod/linux/compat.h "$scratch/kmod/linux/compat.h"

# The C++ compiler is found by the C compiler's words: as they are, but for the last one's file
# name.
kbuild() { # CC
  rm -f "$scratch/out/tlblab.ko"
  env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL make --no-print-directory -C "$headers" M="$scratch/out" \
    "CC=$1" modules >"$scratch/log" 2>&1
}
compiler() { # the words before the options, from the last build
  sed -n '1s/^[^=]*= *\(.*g++[^ /]*\) .*/\1/p' "$scratch/out/kmod/core/.core.o.cmd" | sed 's/ -.*//'
}
build || true
cxx=$(compiler)
cc=${cxx/g++/gcc}
tools=$scratch/gcc-tools/clang
mkdir -p "$tools"
ln -s "$(command -v "$cc")" "$tools/$cc"
ln -s "$(command -v "$cxx")" "$tools/$cxx"
status=0
kbuild "$tools/$cc" || status=$?
[ "$(compiler)" = "$tools/$cxx" ] || status=1
result "$status" 'a compiler may live in a folder with gcc in its name'

printf '#!/bin/sh\nexec "$@"\n' >"$tools/gcc-launcher"
chmod +x "$tools/gcc-launcher"
status=0
kbuild "$tools/gcc-launcher $cc" || status=$?
[ "$(compiler)" = "$tools/gcc-launcher $cxx" ] || status=1
result "$status" 'a compiler may be called by another program'

rm "$tools/$cxx"
status=0
! kbuild "$tools/$cc" || status=1
grep -q "$tools/$cxx, .* is missing. Debian: apt-get install g++" "$scratch/log" || status=1
result "$status" 'a C++ compiler that is missing is asked for'

printf '#!/bin/sh\necho 4.2\n' >"$tools/$cxx"
chmod +x "$tools/$cxx"
status=0
! kbuild "$tools/$cc" || status=1
grep -q "$tools/$cxx is version 4, but $tools/$cc is version [0-9]*. Debian: apt-get install g++-" \
  "$scratch/log" || status=1
result "$status" 'a C++ compiler of another version than the C compiler is refused'

# Other distributions have no dpkg.
mkdir "$scratch/bin"
ln -s /usr/bin/* "$scratch/bin"
rm -f "$scratch"/bin/dpkg*
status=0
PATH=$scratch/bin make --no-print-directory -n all >"$scratch/log" 2>&1 || status=$?
[ "$(PATH=$scratch/bin kmod/host_arch.sh)" = "$(kmod/host_arch.sh)" ] || status=1
result "$status" 'without dpkg the driver builds'
rm -f "$scratch"/bin/apt*
status=0
PATH=$scratch/bin make --no-print-directory setup-run >"$scratch/log" 2>&1 || status=$?
grep -q '^  g++ .*libpfm4-dev' "$scratch/log" || status=1
grep -q '^  gcc-c++ .*libpfm-devel' "$scratch/log" || status=1
result "$status" 'without apt the packages are named, and the build goes on'

# DKMS tries no kernel that the module is not known to build for.
pattern=$(sed -n 's/^BUILD_EXCLUSIVE_KERNEL="\(.*\)"$/\1/p' dkms.conf)
status=0
for release in 6.1.0-56-amd64 6.1.170 6.5.13 6.12.117+deb12-arm64-16k 6.12-rc1 6.18.44-test 7.0.13 \
  7.3.4+deb13-rt-amd64; do
  [[ $release =~ $pattern ]] || status=1
done
for release in 5.19.0-1-amd64 6.0.12 6.120.0 6.20.1 7.4.0 7.31.2 8.1.0; do
  [[ ! $release =~ $pattern ]] || status=1
done
result "$status" 'DKMS is told which kernels there are'
exit "$failed"
