// SPDX-License-Identifier: GPL-2.0-only
// Credit for flushes that were made anyway: a change is flushed only when somebody needs it, and
// not at all if one of our flushes that covers it has completed by then.
//
// The rule. Changes of a granule are numbered in the order in which they were made known. A flush
// of the whole granule that began when `changed` was n settles the changes 1 to n. A flush of the
// addresses of change n alone settles n, and only that: it may be recorded as "all up to n" only if
// all before n are already settled.
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
// Here 4 finds that change 1 is not settled, and records nothing.
//
// The race that it would not survive if `changed` were read by a mere load (arm64):
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
// A request begins with a barrier for stores only (broadcast.hh). That is enough for entries that
// this CPU emptied. It learns of entries emptied by others from `changed`, which must be read
// before the request begins. So `changed` is read by an atomic add of 0, whose store comes after
// its load: the barrier waits for the store. herd7 with Arm's own model (tests/litmus) answers
// "Sometimes" for a load with acquire, even with DMB ISH before the request, and "Never" for the
// atomic, with and without LSE. DSB ISH in place of DSB ISHST would do as well, and so does a
// branch on the value, as in pending.hh and nesting.hh. On x86 a load is never that late.
//
// Two words, owned by the granule, 0 at first: `changed` is the number of the last change; all
// changes up to `settled` are settled.
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
  /// granule, and is called at most once. Returns whether it was called.
  template <class Flush>
  bool need(u64 change, Flush flush) {
    if (words_.load(settled_, Order::kAcquire) >= change) return false;
    return need_all(flush);
  }

  /// The same for every change that was made known before this call.
  template <class Flush>
  bool need_all(Flush flush) {
    const u64 covered = words_.add(changed_, 0, Order::kFull);  // not a mere load: see above
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
