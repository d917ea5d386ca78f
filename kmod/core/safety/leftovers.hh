// SPDX-License-Identifier: GPL-2.0-only
// What schemes may have left in the TLBs of an address space: the rule that keeps a wrong scheme
// safe even if nobody knows that it is wrong.
//
// The rule. An operation calls mark() before it clears its first entry, and again after its last
// flush. Before an address is given to another frame, and before a lab VMA is gone, forget()
// flushes the whole address space, unless a flush of ours that began after the last mark has
// completed. This holds for sound schemes, too: munmap() flushes only the entries that it finds
// set, not those that the scheme has emptied.
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
// Why twice: a forget() while an operation is under way flushes what was cleared until then, and
// the operation goes on clearing. The second mark() makes the next forget() flush that, too. The
// first forget() does not need it: its ranges are not the operation's, since each owns its own.
//
// Why not one bit, cleared before the flush: a second forget() would find it clear, and return
// while the first one's flush is still under way. The explorer found that.
//
// A mark is a change of the whole address space, and forget() needs all of them: credit.hh has the
// words, and why the marks are read by a read-modify-write.
#pragma once

#include "kmod/core/credit.hh"
#include "kmod/core/words.hh"

namespace tlblab::core {

template <CountWords W>
class Leftovers {
 public:
  using Word = typename W::Word;

  /// Words owned by the address space, 0 at first: the number of marks, and how many of them there
  /// were when the last completed flush began.
  Leftovers(W& words, Word& marked, Word& flushed) : credit_(words, marked, flushed) {}

  void mark() { credit_.change(); }

  /// On return no CPU has a translation of what was cleared before the last mark(). `flush` flushes
  /// the whole address space, and is called at most once.
  template <class Flush>
  void forget(Flush flush) {
    credit_.need_all(flush);
  }

 private:
  Credit<W> credit_;
};

}  // namespace tlblab::core
