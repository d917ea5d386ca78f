// SPDX-License-Identifier: GPL-2.0-only
// The pending/flushed pair of an mm: reclaim clears entries and flushes much later. Code that must
// not find them usable in between checks here whether something is pending, and flushes it.
//
// The rule. Code that clears an entry without flushing calls add() before it drops the page table's
// lock. Code that relies on there being no stale translation calls settle() with the lock of that
// table held. A flush settles only what was pending when it began: it may store only the count that
// was read before it, and only if nothing has been added since.
//
// The race that this survives (thread 000: "try_to_unmap_flush() clears flush_required after
// flushing. Another thread can call set_tlb_ubc_flush_pending() after the flush and before
// flush_required is cleared, and the indication that a TLB flush is pending can be lost"):
//
//      CPU 0, munmap                     CPU 1, reclaim                 CPU 2, same mm
//   1                                    empties A, says so
//   2  something is pending: flushes
//   3                                    empties B, says so
//   4  nothing is pending any more (!)
//   5  unmaps B: empty, nothing pending,
//      returns
//   6                                                                   writes B through its TLB
//
// Here 4 finds two pending where it had read one, and leaves them so: 5 flushes again.
//
// One word, owned by the mm: pending in the low half, how many of them are flushed in the high one;
// 0 at first (mm->tlb_flush_batched of 6.12, with halves of 16 bits). A count that nears its half's
// end starts again at 1. If that brings the word back to what settle() read, within one flush, what
// was added meanwhile is lost: with 32 bits, by 2^31 additions during one flush.
#pragma once

#include "kmod/core/words.hh"

namespace tlblab::core {

/// `kHalfBits`: bits of each half.
template <Words W, u32 kHalfBits = 32>
class Pending {
 public:
  using Word = typename W::Word;

  Pending(W& words, Word& pair) : words_(words), pair_(pair) {}

  /// Entries were emptied and will be flushed later. The page table's lock is held.
  void add() {
    for (;;) {
      const u64 pair = words_.load(pair_, Order::kRelaxed);
      if (pending(pair) < kMost / 2) {
        words_.add(pair_, 1, Order::kFull);
        return;
      }
      // Start again long before it overflows into the other half; one pending is true.
      if (words_.exchange_if(pair_, pair, 1, Order::kFull)) return;
    }
  }

  /// On return no CPU can use an entry of this table that was emptied before. The page table's lock
  /// is held. `flush` flushes the whole mm, and is called at most once.
  template <class Flush>
  void settle(Flush flush) {
    const u64 pair = words_.load(pair_, Order::kAcquire);
    if (pending(pair) == flushed(pair)) return;
    flush();
    // If this fails, something was added: it stays pending.
    words_.exchange_if(pair_, pair, pending(pair) | pending(pair) << kHalfBits, Order::kFull);
  }

 private:
  static constexpr u64 kMost = (u64{1} << kHalfBits) - 1;
  static constexpr u64 pending(u64 pair) { return pair & kMost; }
  static constexpr u64 flushed(u64 pair) { return pair >> kHalfBits & kMost; }

  W& words_;
  Word& pair_;
};

}  // namespace tlblab::core
