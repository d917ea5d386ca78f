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
// The race that it would not survive if 1 to n were taken by a load of `changed` (arm64):
//
//      CPU 0                         CPU 1                           CPU 2, same mm
//   1                                needs an older change; its
//                                    load of `changed` is under way
//   2                                DSB ISHST: waits for its own
//                                    stores, not for loads
//   3                                TLBI: everybody forgets A
//   4                                                                touches A: walks, finds the
//                                                                    entry set, keeps it
//   5  empties A: change 1
//   6                                the load is done: 1
//   7                                DSB ISH: all up to 1 is
//                                    settled (!)
//   8  needs change 1: it is settled
//   9  releases A's frame
//  10                                                                uses A through its TLB
//
// A request begins with a barrier for stores alone (broadcast.hh): enough for what this CPU has
// emptied. What others have emptied it knows from `changed`, which must be read before the request
// begins. So it is taken by an atomic that adds 0, whose store comes after its load: the barrier
// waits for the store. herd7, Arm's own model (tests/litmus), says of a load with acquire
// "Sometimes", even with DMB ISH before the request, and of the atomic "Never", with LSE and
// without. DSB ISH in place of DSB ISHST would do as well; so does a branch on the value, which
// pending.hh and nesting.hh have. On x86 a load is never that late.
//
// Words, both owned by the granule: `changed`, the last change's number; `settled`: all changes up
// to it are. 0 at first.
#pragma once

#include "kmod/core/words.hh"

namespace tlblab::core {

template <CountWords W>
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
    return need_all(flush);
  }

  /// The same for every change that was made known before this call.
  template <class Flush>
  bool need_all(Flush flush) {
    const u64 covered = words_.add(changed_, 0, Order::kFull);  // no mere load
    if (words_.load(settled_, Order::kAcquire) >= covered) return false;
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
