// SPDX-License-Identifier: GPL-2.0-only
// Nested gathers: two initiators work on the same addresses at once, and ranges are not claimed.
//
// The rule. A gather enters before it takes its first page-table lock, and leaves after its last
// flush. Entries that it finds empty may still be usable, if another gather has yet to flush
// them. So before it returns it checks whether another one was there, and if so flushes all that
// its ranges cover, whether it found anything or not.
//
// Why that is enough: a CPU that sees an entry cleared by the other gather also sees that it
// entered, because it cleared the entry under a page-table lock taken later. If it has left when we
// check, it has flushed.
//
// The race that this survives (thread 002: "another MADV_DONTNEED caused the zap_pte_range() to
// skip entries since pte_none() was true. To resolve these cases we relied on tlb_finish_mmu() to
// flush the range when needed"): the second one in gather.hh's head comment.
//
// One word, owned by the mm: gathers under way, 0 at first (mm->tlb_flush_pending of 6.12).
#pragma once

#include "kmod/core/words.hh"

namespace tlblab::core {

template <Words W>
class Nesting {
 public:
  using Word = typename W::Word;

  Nesting(W& words, Word& gathers) : words_(words), gathers_(gathers) {}

  /// Before the first page-table lock is taken.
  void enter() { words_.add(gathers_, 1, Order::kFull); }

  /// After the gather's own flush. `flush` flushes the whole mm, and is called at most once.
  template <class Flush>
  void leave(Flush flush) {
    if (words_.load(gathers_, Order::kAcquire) > 1) flush();
    words_.add(gathers_, ~u64{0}, Order::kFull);
  }

 private:
  W& words_;
  Word& gathers_;
};

}  // namespace tlblab::core
