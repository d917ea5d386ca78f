// SPDX-License-Identifier: GPL-2.0-only
// The compositions that exist: one row for each gather, with the name that users type, where the
// idea comes from, and what the core has to know of it at run time. The module refuses whatever has
// no row; the driver lists the rows.
#pragma once

#include <tlblab/abi.h>

namespace tlblab::core {

/// The places at which a gather can pay its debt, from the innermost out. A gather that pays at one
/// of them has nothing left to pay at the outer ones.
enum class Boundary : __u32 {
  kEntry,  ///< after each cleared entry, under the table lock
  kTable,  ///< before a table lock is dropped
  kVma,    ///< when a VMA is left
  kEnd,    ///< at the end of the operation
};

struct Scheme {
  __u32 operation;         ///< enum tlblab_operation
  __u32 gather;            ///< enum tlblab_gather
  __u32 extents;           ///< mask of enum tlblab_extent that go with it
  __u32 releases;          ///< mask of enum tlblab_release that go with it
  Boundary flush_at;       ///< where the flush is issued
  bool whole_mm;           ///< each flush is of the whole address space, whatever was cleared
  const char* name;        ///< "<operation>:<gather>"
  const char* summary;     ///< one line: when it flushes
  const char* stands_for;  ///< thread and kernel version
};

constexpr __u32 mask_of(__u32 value) { return __u32{1} << value; }

// The extent of a single page, and of the whole address space, is no choice: ENVELOPE.
inline constexpr __u32 kEnvelopeOnly = mask_of(TLBLAB_ENVELOPE);
inline constexpr __u32 kBothExtents = mask_of(TLBLAB_ENVELOPE) | mask_of(TLBLAB_EXACT);
inline constexpr __u32 kStrictOnly = mask_of(TLBLAB_STRICT);

inline constexpr Scheme kSchemes[] = {
    {TLBLAB_UNMAP, TLBLAB_PER_PAGE, kEnvelopeOnly, kStrictOnly, Boundary::kEntry, false,
     "unmap:per-page", "one flush after each entry, under the page-table lock",
     "ptep_clear_flush(), every kernel; 'TLB invalidate under pte_lock when clearing' (thread "
     "002)"},
    {TLBLAB_UNMAP, TLBLAB_PER_TABLE, kBothExtents, kStrictOnly, Boundary::kTable, false,
     "unmap:per-table", "one flush before each page table's lock is dropped",
     "ZAP_FLAG_FORCE_FLUSH as proposed in October 2022 (thread 002); move_ptes(), every kernel"},
    {TLBLAB_UNMAP, TLBLAB_PER_VMA, kBothExtents, kStrictOnly, Boundary::kVma, false,
     "unmap:per-vma", "one flush when each VMA is left",
     "tlb_end_vma(): ARM in Linux 2.6.38 (thread 004), arm64 of 6.12 (thread 000)"},
    {TLBLAB_UNMAP, TLBLAB_MERGED, kBothExtents, kStrictOnly, Boundary::kEnd, false, "unmap:merged",
     "one flush at the end, over all VMAs",
     "the goal of thread 004; MMU_GATHER_MERGE_VMAS (commit 1e9fdf21a433), which x86 of 6.12 "
     "selects"},
    {TLBLAB_UNMAP, TLBLAB_FULL_MM, kEnvelopeOnly, kStrictOnly, Boundary::kEnd, true,
     "unmap:full-mm", "one flush at the end, of the whole address space",
     "exit_mmap(), mmu_gather.fullmm, every kernel (thread 004)"},
};

/// The row of an operation under a gather, or null if there is none.
constexpr const Scheme* find_scheme(__u32 operation, __u32 gather) {
  for (const Scheme& scheme : kSchemes) {
    if (scheme.operation == operation && scheme.gather == gather) return &scheme;
  }
  return nullptr;
}

}  // namespace tlblab::core
