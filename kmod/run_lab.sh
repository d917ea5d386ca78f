#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# The second half of `make run`: asks the same question of the module's own gathers. Runs on this
# machine if the module can be loaded here and the user agrees; else in guests of both
# architectures, for counts only.
#   kmod/run_lab.sh [--yes]        --yes: load the module without asking
# Sourced, it only defines its functions: tests/vm/check_run_lab.sh plants machines around them.
set -euo pipefail
[ "${BASH_SOURCE[0]}" != "$0" ] || cd "$(dirname "$0")/.."
BUILD=${BUILD:-build}
yes=${1:-}
release=$(uname -r)
machine= # prefix of the paths that are looked at; empty except in tests
root=()  # what runs a command as root
tested="It was tested on Debian's 6.1, 6.12 and 7.3, with pages of 4 KiB and (arm64) 16 KiB."

# Why the module can't be loaded here; empty if it can.
why_not() {
  local major minor
  IFS=.- read -r major minor _ <<<"$release"
  if [ "$major" -lt 6 ] || { [ "$major" = 6 ] && [ "${minor%%[!0-9]*}" -lt 1 ]; }; then
    echo "this is Linux $release, and it needs 6.1 or later"
  elif [ -e "$machine/sys/module/tlblab" ]; then
    echo "it is loaded already, by somebody who may be using it"
  elif [ ! -e "$machine/lib/modules/$release/build/include/config/kernel.release" ]; then
    echo "there are no headers of this kernel (Debian: apt-get install linux-headers-$release)"
  elif [ "$(cat "$machine/proc/sys/kernel/modules_disabled" 2>/dev/null)" != 0 ]; then
    echo "this kernel takes no modules"
  elif grep -qsE '\[(integrity|confidentiality)\]' "$machine/sys/kernel/security/lockdown"; then
    echo "this kernel is locked down and takes signed modules only (docs/secure-boot.md)"
  elif grep -qsx Y "$machine/sys/module/module/parameters/sig_enforce"; then
    echo "this kernel takes signed modules only, module.sig_enforce (docs/secure-boot.md)"
  elif [ "$(id -u)" != 0 ] && ! command -v sudo >/dev/null; then
    echo "loading it takes root"
  fi
}

agreed() {
  local answer
  if [ "$yes" = --yes ]; then
    echo "$tested"
    return 0
  fi
  if [ ! -t 0 ]; then
    echo "Nobody to ask whether to load the module: make run YES=yes does."
    return 1
  fi
  echo "Load the module tlblab into this kernel, Linux $release, measure its gathers for a few"
  echo "minutes, and unload it?"
  echo "$tested"
  read -r -p "[y/N] " answer
  [[ $answer = [yY]* ]]
}

# The driver may still be on its way out.
unload() {
  local tries
  for tries in {1..50}; do
    [ -e "$machine/sys/module/tlblab" ] || return 0
    "${root[@]}" rmmod tlblab 2>/dev/null && return 0
    [ "$tries" = 50 ] || sleep 0.1
  done
  echo "The module is still loaded: rmmod tlblab, as root, when nothing uses it." >&2
  return 1
}

here() {
  local status=0 headers=$machine/lib/modules/$release/build
  [ "$(id -u)" = 0 ] || root=(sudo)
  # However this ends, the module does not stay.
  trap unload EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
  "${root[@]}" insmod "$BUILD/kmod/$(cat "$headers/include/config/kernel.release")/tlblab.ko"
  "${root[@]}" "$BUILD/tlblab" study lab || status=$?
  return "$status"
}

guests() {
  local arch out
  for arch in amd64 arm64; do
    echo "The lab engine in an emulated $arch guest, Debian's Linux 6.12: counts, no times"
    make --no-print-directory ARCH=$arch KERNEL=6.12 module driver
    out=results/local/lab-counts-$arch.jsonl.zst
    ARCH=$arch KERNEL=6.12 NAME=run-$arch TCG_THREADS=single \
      FILES=bench/studies/lab-counts.toml:/usr/share/tlblab/studies/lab-counts.toml \
      kmod/guest/run_vm.sh 'tlblab study lab-counts --output /results/lab-counts.jsonl.zst'
    mkdir -p results/local
    cp "$BUILD/vm/run-$arch/results/lab-counts.jsonl.zst" "$out"
    "$BUILD/tlblab" report "$out"
  done
}

[ "${BASH_SOURCE[0]}" = "$0" ] || return 0
reason=$(why_not)
if [ -n "$reason" ]; then
  echo "The module is not loaded here: $reason."
  guests
elif ! agreed; then
  guests
elif ! make --no-print-directory module; then
  echo "The module does not build for this kernel, Linux $release. $tested"
  guests
else
  here
fi
