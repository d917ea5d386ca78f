#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Looks through kernel logs for anything that a kernel complains with, and prints it with the lines
# that follow:
#   tests/vm/scan_log.sh FILE...
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
status=0
grep -aEH --no-group-separator -A 25 -m 3 "$pattern" "$@" || status=$?
case $status in
  0) exit 1 ;;
  1) exit 0 ;;
  *) exit 2 ;;
esac
