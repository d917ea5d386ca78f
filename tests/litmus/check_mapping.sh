#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Is what herd7 was asked about what the module does? Holds the module's objects for arm64 against
# the instructions that tests/litmus/platform.hh writes down, and their order:
#   tests/litmus/check_mapping.sh [CORE_OBJECT OBJECT...]
# CORE_OBJECT: kmod/core/core.o of a built module; the others are those that define the steps. First
# the check itself is held against wrong objects, which it must refuse; without arguments that is
# all. KTAP output. Exit status: 0 when all is as it should be.
set -euo pipefail
cd "$(dirname "$0")/../.."
litmus=${BUILD:-build}/tests/litmus/litmus
tools=aarch64-linux-gnu-
[ "$(dpkg --print-architecture)" != arm64 ] || tools=
. tests/vm/ktap.sh

dump() { # OBJECT FILE
  "${tools}objdump" -dr --no-show-raw-insn "$1" >"$2"
  # Objects in which nothing is patched have no such sections, which is a warning.
  "${tools}objdump" -r -j .altinstructions -j __jump_table "$1" >>"$2" 2>/dev/null || true
}

# Sound ones, as a compiler might leave them. `alternative`: as the kernel's macro of that name.
cat >"$scratch/prologue.s" <<'END'
	.macro	function name
	.globl	\name
	.type	\name, %function
\name:
	.endm
	.macro	alternative original, replacement
661:	\original
662:
	.pushsection .altinstructions, "a"
	.word	661b - .
	.word	663f - .
	.hword	1
	.byte	662b - 661b, 664f - 663f
	.popsection
	.subsection 1
663:	\replacement
664:
	.previous
	.endm
END
cat >"$scratch/steps.s" <<'END'
	function lab_publish
	dsb	ishst
	ret
	function lab_read_asid
	ldr	x0, [x0, #8]
	ldr	x0, [x0, #960]
	and	x0, x0, #0xffff
	ret
	function lab_invalidate
	cmp	x2, x3
	b.cs	2f
1:	tlbi	vale1is, x0
	alternative nop, "b 3f"
4:	add	x2, x2, #1
	cmp	x2, x3
	b.cc	1b
2:	ret
3:	tlbi	vale1is, x1
	b	4b
	function lab_invalidate_mm
	tlbi	aside1is, x0
	alternative "nop; nop", "dsb ish; tlbi aside1is, x0"
	ret
	function lab_complete
	dsb	ish
	cbz	w0, 1f
	tlbi	vale1is, xzr
	dsb	ish
1:	ret
	function lab_word_load
	ldar	x0, [x0]
	ret
	function lab_word_add
	alternative "b 1f", nop
	ldaddal	x1, x2, [x0]
	ret
1:	ldxr	x2, [x0]
	add	x2, x2, x1
	stlxr	w3, x2, [x0]
	cbnz	w3, 1b
	dmb	ish
	ret
	function lab_word_exchange_if
	casal	x1, x2, [x0]
	ret
END
cat >"$scratch/order.s" <<'END'
	function broadcast_flush
	bl	lab_publish
	bl	lab_read_asid
	cbnz	w1, 2f
1:	bl	lab_invalidate
	cbnz	w0, 1b
	bl	lab_complete
	ret
2:	cbz	w1, 3f
	bl	lab_invalidate
	bl	lab_complete
	b	2b
3:	ret
	function unmap
	cbz	w0, 1f
	bl	broadcast_flush
1:	bl	lab_release_frames
	ret
END

# What is wrong is one edit of the sound one. NEEDS: what must be said of it.
plant() { # KIND NAME EDIT [NEEDS]: KIND is steps or order
  local status=0 verdict=0
  sed "$3" "$scratch/$1.s" >"$scratch/edited.s"
  { echo '	.arch armv8.1-a' && cat "$scratch/prologue.s" "$scratch/edited.s"; } \
    >"$scratch/planted.s"
  if [ -n "$3" ] && cmp -s "$scratch/edited.s" "$scratch/$1.s"; then
    echo "the edit changes nothing" >"$scratch/log"
    result 1 "$2"
    return
  fi
  "${tools}as" -o "$scratch/planted.o" "$scratch/planted.s"
  dump "$scratch/planted.o" "$scratch/planted.dump"
  "$litmus" "--$1" "$scratch/planted.dump" >"$scratch/log" 2>&1 || status=$?
  if [ -z "${4:-}" ]; then
    [ "$status" -eq 0 ] || verdict=1
  else
    [ "$status" -eq 1 ] && grep -q "^bad	$4" "$scratch/log" || verdict=1
  fi
  result "$verdict" "$2"
}

# A line for each step; one for the order in the whole core, or for each function that is bad.
hold() { # KIND DUMP...
  local kind=$1 word name fault
  shift
  "$litmus" "--$kind" "$@" >"$scratch/findings" || [ $? -eq 1 ]
  if [ "$kind" = order ] && ! grep -q '^bad' "$scratch/findings"; then
    result 0 "the core's order of steps: $(wc -l <"$scratch/findings") functions"
    return
  fi
  while IFS=$'\t' read -r word name fault; do
    echo "$fault" >"$scratch/log"
    result "$(
      [ "$word" = good ]
      echo $?
    )" "the module's $kind: $name"
  done < <("${tools}c++filt" <"$scratch/findings")
}

echo 'TAP version 13'
plant steps 'sound steps are good' ''
plant steps 'planted: another barrier before' 's/dsb	ishst/dmb	ishst/' \
  'lab_publish	dmb ishst out of'
plant steps 'planted: no barrier before' '/dsb	ishst/d' 'lab_publish	it may return too early'
plant steps 'planted: the ASID is read with a barrier' 's/and	x0, x0.*/dmb ish/' \
  'lab_read_asid	dmb ish out of'
plant steps 'planted: the ASID is not read' '/ldr	x0/d' 'lab_read_asid	it may return too early'
plant steps 'planted: a local TLBI' 's/tlbi	vale1is, x0/tlbi	vale1, x0/' \
  'lab_invalidate	tlbi vale1 out of'
plant steps 'planted: a local TLBI for user space' 's/tlbi	vale1is, x1/tlbi	vale1, x1/' \
  'lab_invalidate	tlbi vale1 out of'
plant steps 'planted: no TLBI' 's/tlbi	aside1is, x0$/nop/;s/ tlbi aside1is, x0/ nop/' \
  'lab_invalidate_mm	'
plant steps 'planted: a repetition that is cut short' 's/; tlbi aside1is, x0/; nop/' \
  'lab_invalidate_mm	it may return too early'
plant steps 'planted: a completion of stores alone' '/lab_complete/,/ret/s/dsb	ish$/dsb	ishst/' \
  'lab_complete	dsb ishst out of'
plant steps 'planted: no completion on one way' \
  '/lab_complete/,/ret/{s/	dsb	ish$/&/;/function/s/$/\n	cbz	w1, 1f/}' 'lab_complete	it may return'
plant steps 'planted: a repetition that nobody waits for' \
  '/xzr/{n;d}' 'lab_complete	it may return too early'
plant steps 'planted: a plain load for an acquire' 's/ldar	x0/ldr	x0/' \
  'lab_word_load	it may return too early'
plant steps 'planted: an atomic without acquire' 's/ldaddal/ldaddl/' 'lab_word_add	ldaddl out of'
plant steps 'planted: exclusives without a barrier' '/dmb	ish/d' 'lab_word_add	it may return'
plant steps 'planted: a step is gone' 's/function lab_complete/function complete/' \
  'lab_complete	no object'
plant order 'sound order is good' ''
plant order 'planted: the ASID is read first' \
  '/bl	lab_publish/{h;d};/bl	lab_read_asid/G' 'broadcast_flush	lab_read_asid out of'
plant order 'planted: nothing is published' '/bl	lab_publish/d' \
  'broadcast_flush	lab_read_asid out of'
plant order 'planted: no completion' '/cbnz	w0, 1b/{n;d}' 'broadcast_flush	it may return too early'
plant order 'planted: no completion of one page' '/2:/,/b	2b/{/lab_complete/d}' 'broadcast_flush	'
plant order 'planted: released before completion' \
  '/cbnz	w0, 1b/{n;s/.*/	bl	lab_release_frames\n&/}' 'broadcast_flush	lab_release_frames out of'
plant order 'planted: no flush at all' 's/bl	lab_\(read_asid\|[^r].*\)/nop/' \
  'the core	no function'

if [ $# -ne 0 ]; then
  core=$1
  shift
  dump "$core" "$scratch/core.dump"
  dumps=()
  for object; do
    dumps+=("$scratch/$((${#dumps[@]} + 1)).dump")
    dump "$object" "${dumps[-1]}"
  done
  hold steps "${dumps[@]}"
  hold order "$scratch/core.dump"
fi
echo "1..$count"
exit "$failed"
