#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# The second half of `make run`: the same question asked of the module's own gathers. On this machine
# if the module can be loaded here, which is asked for first; else in guests of both architectures,
# for counts alone.
#   kmod/run_lab.sh [--yes]        --yes: load the module without asking
set -euo pipefail
cd "$(dirname "$0")/.."
BUILD=${BUILD:-build}
yes=${1:-}
release=$(uname -r)

# Why the module can't be loaded here; empty if it can.
why_not() {
  if [ ! -e "/lib/modules/$release/build/include/config/kernel.release" ]; then
    echo "there are no headers of this kernel (Debian: apt-get install linux-headers-$release)"
  elif [ "$(cat /proc/sys/kernel/modules_disabled 2>/dev/null)" != 0 ]; then
    echo "this kernel takes no modules"
  elif grep -qsE '\[(integrity|confidentiality)\]' /sys/kernel/security/lockdown; then
    echo "this kernel is locked down and takes signed modules only"
  elif [ "$(id -u)" != 0 ] && ! command -v sudo >/dev/null; then
    echo "loading it takes root"
  fi
}

agreed() {
  [ "$yes" != --yes ] || return 0
  [ -t 0 ] || { echo "Nobody to ask whether to load the module: make run YES=yes does." && return 1; }
  local answer
  echo "Load the module tlblab into this kernel, measure its gathers for a few minutes, and unload it?"
  read -r -p "It was tested on Debian's 6.1 and 6.12. [y/N] " answer
  [[ $answer = [yY]* ]]
}

here() {
  local root=() status=0
  [ "$(id -u)" = 0 ] || root=(sudo)
  make --no-print-directory module
  "${root[@]}" insmod "$BUILD/kmod/$(cat "/lib/modules/$release/build/include/config/kernel.release")/tlblab.ko"
  "${root[@]}" "$BUILD/tlblab" study lab || status=$?
  "${root[@]}" rmmod tlblab
  return "$status"
}

guests() {
  local arch out
  for arch in amd64 arm64; do
    echo "The lab engine in an emulated $arch guest, Debian's Linux 6.12: counts, no times"
    make --no-print-directory ARCH=$arch KERNEL=6.12 module driver
    out=results/local/lab-counts-$arch.jsonl
    ARCH=$arch KERNEL=6.12 NAME=run-$arch TCG_THREADS=single \
      FILES=bench/studies/lab-counts.toml:/usr/share/tlblab/studies/lab-counts.toml \
      tests/vm/run_vm.sh 'tlblab study lab-counts --output /results/lab-counts.jsonl'
    mkdir -p results/local
    cp "$BUILD/vm/run-$arch/results/lab-counts.jsonl" "$out"
    "$BUILD/tlblab" report "$out"
  done
}

reason=$(why_not)
if [ -n "$reason" ]; then
  echo "The module is not loaded here: $reason."
  guests
elif agreed; then
  here
else
  guests
fi
