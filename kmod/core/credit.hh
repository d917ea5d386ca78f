// SPDX-License-Identifier: GPL-2.0-only
// Credit for flushes that were made anyway: a change waits for a flush until somebody needs it, and
// needs none if one of ours that covers it has completed since.
//
// The rule. Changes of a granule are numbered in the order in which they were made known. A flush
// of the whole granule that began when `changed` was n settles the changes 1 to n. A flush of the
// addresses of change n alone settles n, and only that: it may be written down as "all up to n"
// only if all before n are settled already.
//
// The race that this survives (a ranged flush credited to a coarser generation):
//
//      CPU 0                              CPU 1                             CPU 2, same mm
//   1  empties A: change 1, no flush yet
//   2                                     empties B: change 2
//   3                                     flushes B
//   4                                     all up to 2 is settled (!)
//   5  needs change 1: it is settled
//   6  releases A's frame
//   7                                                                       uses A through its TLB
//
// Here 4 finds that change 1 is not settled, and writes nothing down.
//
// Words, both owned by the granule: `changed`, the last change's number; `settled`: all changes up
// to it are. 0 at first.
#pragma once

#include "kmod/core/words.hh"

namespace tlblab::core {

template <Words W>
class Credit {
 public:
  using Word = typename W::Word;

  Credit(W& words, Word& changed, Word& settled)
      : words_(words), changed_(changed), settled_(settled) {}

  /// Entries were emptied. Returns the change's number.
  u64 change() { return words_.add(changed_, 1, Order::kFull); }

  /// A flush of exactly the addresses of this change, which began after change(), has completed.
  void flushed_range(u64 change) { words_.exchange_if(settled_, change - 1, change, Order::kFull); }

  /// On return no CPU can use what was emptied under this change. `flush` flushes the whole
  /// granule, and is called at most once. Returns whether it was.
  template <class Flush>
  bool need(u64 change, Flush flush) {
    if (words_.load(settled_, Order::kAcquire) >= change) return false;
    const u64 covered = words_.load(changed_, Order::kAcquire);
    flush();
    for (;;) {
      const u64 settled = words_.load(settled_, Order::kRelaxed);
      if (settled >= covered) break;
      if (words_.exchange_if(settled_, settled, covered, Order::kFull)) break;
    }
    return true;
  }

 private:
  W& words_;
  Word& changed_;
  Word& settled_;
};

}  // namespace tlblab::core
