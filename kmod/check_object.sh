#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Refuses a C++ object that the kernel can't run, and says what to do about it:
#   kmod/check_object.sh MODULE_SYMVERS CXX_OBJECT C_OBJECT...
# MODULE_SYMVERS lists what the kernel exports; the C objects are the rest of the module. NM and
# OBJDUMP name the tools for the target. Exit status: 0, or 1 when something was refused.
set -eu
symvers=$1 object=$2
shift 2
nm=${NM:-nm} objdump=${OBJDUMP:-objdump}

advice() { # SYMBOL: why a compiler asks for it, and the way out
  case $1 in
    _Zd[la]Pv*) echo "a virtual destructor or a delete: make the destructor non-virtual" ;;
    _Zn[wa]m*) echo "a new: take memory that the caller gives" ;;
    __cxa_guard_*) echo "a local static that is built at run time: make it constinit" ;;
    __cxa_atexit | __dso_handle)
      echo "a global with a destructor: make it trivially destructible"
      ;;
    __cxa_pure_virtual | _ZTV*) echo "a virtual function: use a template or a concept" ;;
    _ZSt*) echo "a part of libstdc++ that is not all in headers: write it out" ;;
    __aarch64_*) echo "outlined atomics: -mno-outline-atomics is missing" ;;
    __popcount* | __*div* | __*mod* | __*mul* | __clz* | __ctz* | __parity* | __bswap*)
      echo "a helper of libgcc: write the operation out"
      ;;
    __atomic_*) echo "an atomic that the machine lacks, 16 bytes perhaps: make it smaller" ;;
    *) echo "no C object of the module defines it and this kernel does not export it" ;;
  esac
}

# .init_array.00099 is the compiler's own, if it looks for data races (KCSAN). Such a kernel runs
# it.
bad=0
for section in $(
  "$objdump" -h "$object" \
    | awk '$2 ~ /^\.(init_array|fini_array|ctors|dtors)/ && $2 != ".init_array.00099" {print $2}'
); do
  echo "error: $object has $section: a global is built or torn down at run time, which kernels" \
    "never do; make it constinit and trivially destructible" >&2
  bad=1
done

for symbol in $(
  {
    awk -F '\t' '{print "have", $2}' "$symvers"
    "$nm" --defined-only --extern-only "$@" | awk 'NF == 3 {print "have", $3}'
    "$nm" --undefined-only "$object" | awk '{print "want", $NF}'
  } | awk '$1 == "have" {have[$2] = 1} $1 == "want" && !($2 in have) {print $2}'
); do
  echo "error: $object needs $symbol: $(advice "$symbol")" >&2
  bad=1
done
exit $bad
