// SPDX-License-Identifier: GPL-2.0-only
// What schemes may have left in the TLBs of an address space: the rule that lets a scheme be wrong
// without anybody knowing.
//
// The rule. Whoever performs an operation says mark() before its first entry is cleared, and again
// after its last flush. Before an address is given to another frame, and before a lab VMA is gone,
// forget() flushes the whole address space, unless a flush of ours that began after the last mark
// has completed. That a scheme is called sound is no reason to skip it: munmap() flushes what it
// finds, and finds entries empty that the scheme emptied.
//
// The race that this survives:
//
//      CPU 0, an unsound scheme       CPU 1, same mm
//   1  empties the entry of A
//   2  flushes too little             still has A's old translation
//   3  munmap of A: the entry is
//      empty, so nothing is flushed
//   4  mmap puts somebody's memory
//      at A
//   5                                 reads and writes A through its TLB: the old frame, and not
//                                     what the process has there
//
// Why twice: one who forgets while an operation is under way flushes what was cleared until then,
// and the operation goes on clearing. Its second mark() is for the next one who forgets; the first
// one's ranges are none of that operation's, since each owns its own.
//
// Why not one bit, taken away before the flush: a second one who forgets would find it gone, and go
// on while the first one's flush is under way. The explorer found that.
//
// The marks are read by a read-modify-write: this CPU flushes what others emptied, and on arm64 a
// plain load, acquire or not, lets a TLBI go ahead of it (credit.hh).
//
// Words, owned by the address space: `marked`, how often; `flushed`, the marks that were there when
// the last flush began that has completed. 0 at first.
#pragma once

#include <concepts>

#include "kmod/core/words.hh"

namespace tlblab::core {

/// The part of Words that this needs.
template <class W>
concept LeftoverWords = requires(W w, typename W::Word& word, u64 value, Order order) {
  { w.load(word, order) } -> std::same_as<u64>;
  { w.add(word, value, order) } -> std::same_as<u64>;
  { w.exchange_if(word, value, value, order) } -> std::same_as<bool>;
};

template <LeftoverWords W>
class Leftovers {
 public:
  using Word = typename W::Word;

  Leftovers(W& words, Word& marked, Word& flushed)
      : words_(words), marked_(marked), flushed_(flushed) {}

  void mark() { words_.add(marked_, 1, Order::kFull); }

  /// On return no CPU has a translation of what was cleared before the last mark(). `flush` flushes
  /// the whole address space, and is called at most once.
  template <class Flush>
  void forget(Flush flush) {
    const u64 marked = words_.add(marked_, 0, Order::kFull);
    if (words_.load(flushed_, Order::kAcquire) >= marked) return;
    flush();
    for (;;) {
      const u64 flushed = words_.load(flushed_, Order::kRelaxed);
      if (flushed >= marked || words_.exchange_if(flushed_, flushed, marked, Order::kFull)) return;
    }
  }

 private:
  W& words_;
  Word& marked_;
  Word& flushed_;
};

}  // namespace tlblab::core
