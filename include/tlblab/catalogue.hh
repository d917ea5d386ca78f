// SPDX-License-Identifier: GPL-2.0-only
// The one list of the ABI's named values and of the terms of its account: what users type, what
// reports show, and what the module, the driver and the tests need to know about each. The module
// refuses a value that has no row here. Code that needs something for every value iterates over
// these tables.
//
// Freestanding: the module's core includes it too. Rows are in the order of their values; terms are
// in the order in which a report shows them.
#pragma once

#include <tlblab/abi.h>

#include <bit>
#include <cstddef>

namespace tlblab::catalogue {

/// Masks of values, as in tlblab_capabilities. has() takes any value.
constexpr __u64 mask_of(__u32 value) { return __u64{1} << value; }
constexpr bool has(__u64 mask, __u32 value) { return value < 64 && ((mask >> value) & 1) != 0; }

/// A value of one of the ABI's enums.
struct Value {
  __u32 value;
  const char* name;     ///< as users type it, in one word
  const char* summary;  ///< one line
};

/// enum tlblab_operation
inline constexpr Value kOperations[] = {
    {TLBLAB_UNMAP, "unmap", "every entry is cleared, its frame released"},
};

/// enum tlblab_extent. The first row is the extent of requests that leave no choice: those of a
/// single page or of the whole address space.
inline constexpr Value kExtents[] = {
    {TLBLAB_ENVELOPE, "envelope", "from the first cleared page to the last, gaps included"},
    {TLBLAB_EXACT, "exact", "the cleared pages' own intervals"},
};

/// enum tlblab_release
inline constexpr Value kReleases[] = {
    {TLBLAB_STRICT, "strict", "after the flush, before the call returns"},
};

/// enum tlblab_mechanism
inline constexpr Value kMechanisms[] = {
    {TLBLAB_KERNEL_SHOOTDOWN, "kernel-shootdown", "the kernel's shootdown"},
    {TLBLAB_TLBI_DSB_EACH, "dsb-each", "TLBI with a DSB each"},
    {TLBLAB_TLBI_DSB_ONCE, "dsb-once", "TLBIs with one DSB"},
};

/// enum tlblab_step: what a paced operation is about to do.
inline constexpr Value kSteps[] = {
    {TLBLAB_STEP_CLEAR, "clear", "look at one entry, and empty it if it is set"},
    {TLBLAB_STEP_FLUSH, "flush", "make one flush request"},
    {TLBLAB_STEP_RELEASE, "release", "release one frame"},
    {TLBLAB_STEP_RETURN, "return", "return to the caller"},
};

/// Known bits of tlblab_request.flags.
inline constexpr __u32 kRequestFlags = TLBLAB_TIME_PHASES | TLBLAB_ORACLE;

/// Where a gather can flush what it owes, from the innermost boundary out. A gather that flushes at
/// one of them owes nothing at the outer ones.
enum class Boundary : __u32 {
  kEntry,  ///< after each cleared entry, under the table lock
  kTable,  ///< before a table lock is dropped
  kVma,    ///< when a VMA is left
  kEnd,    ///< at the end of the operation
};

/// enum tlblab_gather. Every operation works with every gather.
struct Gather {
  __u32 value;
  const char* name;
  const char* summary;     ///< when it flushes
  const char* stands_for;  ///< what it models: thread and kernel version
  Boundary flush_at;       ///< where the flush is issued
  bool whole_mm;           ///< each flush is of the whole address space, whatever was cleared
  __u64 extents;           ///< mask of the extents that it works with
  __u64 releases;          ///< mask of the releases that it works with
  const char* twin;        ///< the stock kernel's scheme that flushes alike; empty: it has none
};

inline constexpr __u64 kEnvelopeOnly = mask_of(TLBLAB_ENVELOPE);
inline constexpr __u64 kBothExtents = mask_of(TLBLAB_ENVELOPE) | mask_of(TLBLAB_EXACT);
inline constexpr __u64 kStrictOnly = mask_of(TLBLAB_STRICT);

inline constexpr Gather kGathers[] = {
    {TLBLAB_PER_PAGE, "per-page", "one flush after each entry, under the page-table lock",
     "ptep_clear_flush(), every kernel; 'TLB invalidate under pte_lock when clearing' (thread "
     "002)",
     Boundary::kEntry, false, kEnvelopeOnly, kStrictOnly, ""},
    {TLBLAB_PER_TABLE, "per-table", "one flush before each page table's lock is dropped",
     "ZAP_FLAG_FORCE_FLUSH as proposed in October 2022 (thread 002); move_ptes(), every kernel",
     Boundary::kTable, false, kBothExtents, kStrictOnly, ""},
    {TLBLAB_PER_VMA, "per-vma", "one flush when each VMA is left",
     "tlb_end_vma(): ARM in Linux 2.6.38 (thread 004), arm64 of 6.12 (thread 000)", Boundary::kVma,
     false, kBothExtents, kStrictOnly, "syscall/munmap:per-vma"},
    {TLBLAB_MERGED, "merged", "one flush at the end, over all VMAs",
     "the goal of thread 004; MMU_GATHER_MERGE_VMAS (commit 1e9fdf21a433), which x86 of 6.12 "
     "selects",
     Boundary::kEnd, false, kBothExtents, kStrictOnly, "syscall/munmap:merged"},
    {TLBLAB_FULL_MM, "full-mm", "one flush at the end, of the whole address space",
     "exit_mmap(), mmu_gather.fullmm, every kernel (thread 004)", Boundary::kEnd, true,
     kEnvelopeOnly, kStrictOnly, ""},
};

/// What a planted fault breaks.
enum class Breaks : __u32 {
  kOrder,       ///< clear, flush, release: a released frame can be reached
  kClaim,       ///< exclusive ranges: an entry can be reached after another initiator's call
  kCompletion,  ///< completion of a broadcast, only on cores that need it twice
};

/// enum tlblab_fault
struct Fault {
  __u32 value;
  const char* name;
  const char* summary;
  Breaks breaks;
};

inline constexpr Fault kFaults[] = {
    {TLBLAB_NO_FLUSH, "no-flush", "no flush is made", Breaks::kOrder},
    {TLBLAB_RELEASE_FIRST, "release-first", "frames are released before the flush", Breaks::kOrder},
    {TLBLAB_EARLY_FULL_FLUSH, "early-full-flush",
     "everything is flushed before the entries are cleared, nothing after", Breaks::kOrder},
    {TLBLAB_TRUST_NONE, "trust-none",
     "an entry that another initiator emptied, and has yet to flush, owes nothing", Breaks::kClaim},
    {TLBLAB_NO_REPEAT, "no-repeat",
     "cores with broken completion of broadcasts are not asked once more", Breaks::kCompletion},
};

/// The mask of the faults that every composition has on every machine.
constexpr __u64 faults_anywhere() {
  __u64 mask = 0;
  for (const Fault& fault : kFaults) {
    if (fault.breaks != Breaks::kCompletion) mask |= mask_of(fault.value);
  }
  return mask;
}

/// How the terms of several requests or operations are merged into one.
enum class Merge : __u32 {
  kSum,           ///< added; always known
  kSumOrUnknown,  ///< added; TLBLAB_UNKNOWN if any part is
};

/// When a term is counted. Otherwise it stays 0, and records leave it out.
enum class Counted : __u32 {
  kAlways,
  kBarriers,  ///< if a mechanism issues TLBI and DSB itself
  kTimed,     ///< with TLBLAB_TIME_PHASES; a time in ns, where all others are numbers
};

/// A term of struct tlblab_account.
struct Term {
  __u64 tlblab_account::*field;
  const char* name;   ///< the field's name, used in records
  const char* label;  ///< used in reports
  Merge merge;
  Counted counted;
  bool due;  ///< determined by shape and scheme: every operation must show exactly this number
};

inline constexpr Term kTerms[] = {
    {&tlblab_account::requests, "requests", "requests, inside", Merge::kSum, Counted::kAlways,
     true},
    {&tlblab_account::forced, "forced", "of these, because the batch was full", Merge::kSum,
     Counted::kAlways, true},
    {&tlblab_account::full, "full", "of these, whole address space, inside", Merge::kSum,
     Counted::kAlways, true},
    {&tlblab_account::flushed_pages, "flushed_pages", "pages in the other requests", Merge::kSum,
     Counted::kAlways, true},
    {&tlblab_account::targets, "targets", "targets, inside", Merge::kSumOrUnknown, Counted::kAlways,
     false},
    {&tlblab_account::vmas, "vmas", "VMAs visited", Merge::kSum, Counted::kAlways, true},
    {&tlblab_account::tables, "tables", "page tables visited", Merge::kSum, Counted::kAlways, true},
    {&tlblab_account::cleared, "cleared", "pages cleared", Merge::kSum, Counted::kAlways, true},
    {&tlblab_account::empty, "empty", "pages found empty", Merge::kSum, Counted::kAlways, true},
    {&tlblab_account::foreign, "foreign", "entries that are not the lab's", Merge::kSum,
     Counted::kAlways, true},
    {&tlblab_account::released, "released", "frames released", Merge::kSum, Counted::kAlways, true},
    {&tlblab_account::tlbi, "tlbi", "TLBIs", Merge::kSumOrUnknown, Counted::kBarriers, true},
    {&tlblab_account::dsb_ishst, "dsb_ishst", "DSBs before them", Merge::kSumOrUnknown,
     Counted::kBarriers, true},
    {&tlblab_account::dsb_ish, "dsb_ish", "DSBs that complete them", Merge::kSumOrUnknown,
     Counted::kBarriers, true},
    {&tlblab_account::repeats, "repeats", "both once more, for cores with broken completion",
     Merge::kSumOrUnknown, Counted::kBarriers, false},
    {&tlblab_account::resched_points, "resched_points", "offers to yield the CPU", Merge::kSum,
     Counted::kAlways, false},
    {&tlblab_account::clear_ns, "clear_ns", "walking and clearing", Merge::kSum, Counted::kTimed,
     false},
    {&tlblab_account::flush_ns, "flush_ns", "in flush requests", Merge::kSum, Counted::kTimed,
     false},
    {&tlblab_account::release_ns, "release_ns", "releasing frames", Merge::kSum, Counted::kTimed,
     false},
};

/// The row of a value, or null if there is none.
template <class Row, std::size_t kNr>
constexpr const Row* find(const Row (&rows)[kNr], __u32 value) {
  for (const Row& row : rows) {
    if (row.value == value) return &row;
  }
  return nullptr;
}

/// The mask of all values that have a row.
template <class Row, std::size_t kNr>
constexpr __u64 mask_of_all(const Row (&rows)[kNr]) {
  __u64 mask = 0;
  for (const Row& row : rows) mask |= mask_of(row.value);
  return mask;
}

// Values count from 1. Each has one row, in the order of the values.
template <class Row, std::size_t kNr>
constexpr bool are_in_order(const Row (&rows)[kNr]) {
  for (std::size_t i = 0; i < kNr; ++i) {
    if (rows[i].value != i + 1) return false;
  }
  return true;
}
static_assert(are_in_order(kOperations) && are_in_order(kGathers) && are_in_order(kExtents) &&
              are_in_order(kReleases) && are_in_order(kMechanisms) && are_in_order(kFaults) &&
              are_in_order(kSteps));

/// Whether each field of the account has exactly one row. New fields are taken from the reserved
/// ones.
constexpr bool every_term_has_a_row() {
  struct Words {
    __u64 word[sizeof(tlblab_account) / sizeof(__u64)];
  };
  constexpr std::size_t nr_terms = offsetof(tlblab_account, reserved) / sizeof(__u64);
  tlblab_account rows{};
  for (const Term& term : kTerms) ++(rows.*term.field);
  const auto words = std::bit_cast<Words>(rows);
  for (std::size_t i = 0; i < nr_terms; ++i) {
    if (words.word[i] != 1) return false;
  }
  return sizeof kTerms / sizeof kTerms[0] == nr_terms;
}
static_assert(every_term_has_a_row());

}  // namespace tlblab::catalogue
