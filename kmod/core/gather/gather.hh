// SPDX-License-Identifier: GPL-2.0-only
// The gather decides at each boundary of a walk whether to flush what was cleared, and then to let
// its frames go. Its debt (debt.hh) is the flush that it owes, its batch (batch.hh) holds the
// frames, and a release rule (release/) says when they are let go; none of the three knows about
// the others.
//
// The rule. For each page that is unmapped, in this order:
//
//   1. clear    its entry is emptied, atomically, under the page table's lock
//   2. flush    a request that began after (1) and covers the page has completed
//   3. release  its frame may be used again; no table lock is held
//
// 1 before 2, because until the entry is empty any CPU that has the mm loaded may load the
// translation again, the initiator's own table walker included. 2 before 3, because until the flush
// has completed a CPU may use the translation without looking at the table. Schemes differ only in
// how many pages share one (2). The strict release adds: all three before the operation returns.
//
// The race that this survives (thread 004: "ARM: tlb: delay page freeing for SMP and ARMv7 CPUs"):
//
//      CPU 0, the initiator        CPU 1, same mm                  CPU 2, anyone
//   1  empties the entry of A
//   2                              writes A through its TLB:
//                                  allowed, nothing was promised
//   3  flushes A, and waits        forgets the translation
//   4  releases A's frame
//   5                                                              gets the frame, writes its data
//   6                              touches A: walks, finds no
//                                  entry, faults
//
//   If 4 came before 3, CPU 1 would still have its translation at 6 and write into CPU 2's data. If
//   3 came before 1, CPU 1 could load it again between the two, with the same result.
//
// The race that this alone does not survive (thread 002: "skip entries since pte_none() was true"):
//
//      CPU 0, the initiator        CPU 1, same mm                  CPU 3, an initiator too
//   1  empties the entry of A;
//      the flush is pending
//   2                                                              unmaps A as well: the entry is
//                                                                  empty, so it owes nothing and
//                                                                  returns
//   3                              writes A through its TLB, after an unmap of A returned
//   4  flushes A
//
//   The kernel detects nested gathers and flushes more at the end of each. Here the caller of
//   lab_core_perform() owns its ranges, so CPU 3 waits at 2 until CPU 0 has settled everything.
//
// The functions, in the order of a walk:
//
//   leave_vma()    no lock is held: the walk continues in another VMA
//   make_room()    no lock is held: the batch is full, and there is more to clear
//   add()          a span was cleared: the gather owes a flush of its addresses and holds its
//                  frames, which are in batch().slots() already
//   leave_entry()  under the table's lock: after each add() if kAtEachEntry
//   leave_table()  under the table's lock, as the last call; `done`: the walk has done all of its
//                  part of the table
//   left_table()   the lock was dropped
//   finish()       no lock is held, nothing will be added: settles everything
//
// Without debt there is no request. To settle is to flush and then to let go.
#pragma once

#include <tlblab/catalogue.hh>

#include "kmod/core/gather/batch.hh"
#include "kmod/core/gather/debt.hh"
#include "kmod/core/operation.hh"
#include "kmod/core/release/strict.hh"

namespace tlblab::core {

using catalogue::Boundary;

template <Flushes P, class Extent, ReleaseRule Release, bool kEachEntry>
class Gather {
 public:
  static constexpr bool kAtEachEntry = kEachEntry;

  /// `flush_at`: kEntry if and only if kEachEntry. `how`: as Debt's.
  Gather(Operation<P>& operation, Boundary flush_at, const Extent& extent, const lab_flush& how,
         const Batch& batch)
      : debt_(operation, extent, how), batch_(batch), release_(operation), flush_at_(flush_at) {}

  const Batch& batch() const { return batch_; }
  Batch& batch() { return batch_; }

  /// `mask`: what Platform::clear_span() has cleared. Returns the number of entries.
  u32 add(u64 address, u64 mask) {
    if (mask == 0) return 0;
    const u32 nr = count_entries(mask);
    debt_.add(address, mask);
    batch_.add(nr);
    return nr;
  }

  void leave_entry() { flush(Cause::kRegular, true); }
  void leave_table(bool done) {
    if (flush_at_ <= Boundary::kTable) flush(done ? Cause::kRegular : Cause::kBatch, true);
  }
  void left_table() {
    if (flush_at_ <= Boundary::kTable) settle(Cause::kRegular);
  }
  void leave_vma() {
    if (flush_at_ <= Boundary::kVma) settle(Cause::kRegular);
  }
  void make_room() { settle(Cause::kBatch); }
  void finish() { settle(Cause::kRegular); }

 private:
  void flush(Cause cause, bool locked) {
    if (debt_.is_empty()) return;
    release_.before_flush(batch_, locked);
    debt_.flush(cause);
  }

  void settle(Cause cause) {
    flush(cause, false);
    release_.let_go(batch_);
  }

  Debt<P, Extent> debt_;
  Batch batch_;
  Release release_;
  Boundary flush_at_;
};

}  // namespace tlblab::core
