#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Searches kernel logs for any complaint of the kernel, and prints it with the lines that follow:
#   kmod/guest/scan_log.sh FILE...
# A data race (KCSAN) is only counted if none of its frames is the module's: the stock kernel has
# many on purpose. Frames of interrupted code are ignored for this, and so is a stack at whose top
# the kernel's own flush looks which CPUs have the address space, while some come and go: the module
# is below it because it asked for the flush.
# Exit status: 0 when there is nothing, 1 when there is, 2 when a file can't be read.
set -euo pipefail
patterns=(
  '\bWARNING:' '\bBUG:' '\bBUG at' '\bOops\b' '\bCall [Tt]race\b' 'KASAN:' 'UBSAN:' 'KCSAN:'
  'possible circular locking' 'possible recursive locking' 'possible irq lock' 'INFO: possible'
  'inconsistent lock state' 'suspicious RCU usage' 'held lock freed' 'lock held when returning'
  'scheduling while atomic' 'sleeping function called' 'rcu: INFO' 'rcu:.*detected stall'
  '\b(soft|hard) lockup' 'hung_task' 'blocked for more than' 'unreferenced object'
  'new suspected memory leaks' 'tlblab: leak' 'Unable to handle kernel' '[Gg]eneral protection'
  'unable to handle page fault' 'Kernel panic' 'Bad page (state|map)' 'bad pmd' 'Bad rss-counter'
  'refcount_t:' 'Corrupted page table' 'non-zero pgtables_bytes' 'unchecked MSR'
)
pattern=$(IFS='|' && echo "${patterns[*]}")

# Prints a log without the reports that are left out, and their number to the file $2. KASAN's
# reports have the same frame of equal signs.
without_races_of_others() { # FILE COUNT_FILE
  awk -v count_file="$2" -v edge="$(printf '=%.0s' {1..60})" \
    -v of_mask=' (flush_tlb_mm_range|native_flush_tlb_multi|smp_call_function_many_cond)[+]' '
    # Code that was interrupted is not part of the race.
    function is_ours(report, lines, nr, i, below) {
      nr = split(report, lines, "\n")
      for (i = 1; i <= nr; i++) {
        if (lines[i] ~ /^(\[[ 0-9.]*\] ?)?$/) below = 0
        if (lines[i] ~ /asm_(sysvec|common_interrupt)/) below = 1
        if (lines[i - 1] ~ /(read|write).* to 0x/ && lines[i] ~ of_mask) below = 1
        if (!below && lines[i] ~ /\[tlblab\]/) return 1
      }
      return 0
    }
    function flush_report() {
      # A message of another CPU in the middle of it counts.
      if (report ~ /BUG: KCSAN: / && !is_ours(report) &&
          report !~ /tlblab: |WARNING: |Oops|panic/) left_out++
      else printf "%s", report
      report = ""
    }
    index($0, edge) {
      report = report $0 "\n"
      if (inside) flush_report()
      inside = !inside
      next
    }
    inside { report = report $0 "\n"; next }
    { print }
    END {
      # Cut off: it may be a race of the module.
      printf "%s", report
      print left_out + 0 >count_file
    }' "$1"
}

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
found=0
for file in "$@"; do
  [ -r "$file" ] || exit 2
  without_races_of_others "$file" "$scratch/count" >"$scratch/log"
  status=0
  grep -aEH --label="$file" --no-group-separator -A 25 -m 3 "$pattern" <"$scratch/log" || status=$?
  case $status in
    0) found=1 ;;
    1) ;;
    *) exit 2 ;;
  esac
  races=$(cat "$scratch/count")
  [ "$races" -eq 0 ] || echo "$file: $races data races of the kernel's own left out"
done
exit "$found"
