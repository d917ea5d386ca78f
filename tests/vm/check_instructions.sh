#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Has the lab's unmap come to cost more? Counts instructions per page in a guest with one CPU whose
# clock counts instructions, and compares with those on record:
#   tests/vm/check_instructions.sh ARCH KERNEL
#   tests/vm/check_instructions.sh ARCH KERNEL record      puts today's figures on record
# The lab's own figures may not rise by more than 5 %. Those of the stock kernel are there to be
# read beside them: nobody here is to blame for them. KTAP output. Exit status: 0 if all hold.
set -euo pipefail
cd "$(dirname "$0")/../.."
BUILD=${BUILD:-build}
usage="usage: tests/vm/check_instructions.sh ARCH KERNEL [record]"
arch=${1:?$usage} kernel=${2:?$usage}
name=instructions-$arch-$kernel
recorded=tests/vm/instructions/$arch-$kernel.txt

ARCH=$arch KERNEL=$kernel NAME=$name DRIVER=no CPUS=1 MEM=512M ACCEL=tcg \
  QEMU_ARGS="-icount shift=0,sleep=off" FILES="$BUILD/vm/programs/$arch/instructions" \
  kmod/guest/run_vm.sh /root/instructions
measured=$BUILD/vm/$name/output.log
if [ "${3:-}" = record ]; then
  cp "$measured" "$recorded"
  echo "recorded in $recorded"
  exit
fi

# FIGURES RECORD: a line for each of the lab's figures on record, missing ones included.
compare() {
  awk '
    NR == FNR { now[$1] = $2; next }
    $1 ~ /^lab_/ {
      count++
      good = ($1 in now) && now[$1] <= 1.05 * $2
      bad += !good
      printf "%sok %d %s: %s instructions a page, %s on record\n", good ? "" : "not ", count, $1,
        ($1 in now) ? now[$1] : "no", $2
    }
    END { exit bad > 0 || count == 0 }' "$1" "$2"
}
# A million pages may cost at most 1.3 times what a hundred cost, a page.
scales() {
  awk '
    { now[$1] = $2 }
    END {
      good = now["lab_merged_shared_10000x100"] <= 1.3 * now["lab_merged_shared_1x100"] &&
        now["lab_merged_shared_1x100"] > 0
      print (good ? "ok" : "not ok") " a million pages cost no more a page than a hundred, by 1.3"
      exit !good
    }' "$1"
}

# What goes back to the kernel may not cost more for each VMA that maps its offset: reclaim waits.
drains() {
  awk '
    { now[$1] = $2 }
    END {
      good = now["drain_1000_vmas"] <= 2 * now["drain_1_vma"] && now["drain_1_vma"] > 0
      print (good ? "ok" : "not ok") " a frame goes back past 1000 VMAs as past one, by 2: " \
        now["drain_1000_vmas"] " and " now["drain_1_vma"] " instructions"
      exit !good
    }' "$1"
}

status=0
compare "$measured" "$recorded" || status=1
scales "$measured" || status=1
drains "$measured" || status=1
# And would a dearer page be seen? Planted: figures of 1.06 times what is on record, and none at
# all.
planted=$(mktemp)
trap 'rm -f "$planted"' EXIT
awk '{print $1, 1.06 * $2}' "$recorded" >"$planted"
if compare "$planted" "$recorded" >/dev/null || compare /dev/null "$recorded" >/dev/null; then
  echo "not ok a planted regression was not seen"
  status=1
else
  echo "ok a planted regression is seen"
fi
exit "$status"
