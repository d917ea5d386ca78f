// SPDX-License-Identifier: GPL-2.0-only
// One flush request where the hardware broadcasts invalidations (arm64): the order of its steps.
//
// The rule. For each request, in this order:
//
//   1. publish      what this CPU has stored in page tables is visible to the walkers of all CPUs
//   2. read ASID    the tag under which CPUs keep the mm's translations now
//   3. invalidate   each CPU is told to drop what it has under that tag
//   4. complete     each CPU has dropped it, and what it did through it is done
//
// 1 before 3, because a walker may load the translation again as long as it sees the entry. 3
// before 4: invalidations are only complete when their issuer has waited for them.
//
// The race that this survives, which is why 1 comes before 2 (the comment above ASID() in
// arch/arm64/include/asm/mmu.h; a rollover gives every mm a new tag when it is next scheduled):
//
//      CPU 0, the initiator          CPU 1                           CPU 2
//   1  empties the entry of A, not
//      yet visible
//   2  reads the ASID: 7
//   3                                                                rollover
//   4                                schedules the mm: ASID 8 from
//                                    now on
//   5                                touches A: walks, finds the
//                                    entry set, keeps it under 8
//   6  the entry is visibly empty
//   7  invalidates A under 7
//   8  releases A's frame
//   9                                uses A through its TLB
//
// With 6 before 2, CPU 1's walk at 5 sees the empty entry whenever CPU 0 has read the old tag: CPU
// 1 flushes its own TLB between 4 and 5, and that is a barrier.
//
// The completion. Cores with broken broadcast TLBI completion (Arm erratum 4118414 and its like,
// CVE-2025-10263) may report at 4 that they are done while a write through an old translation is
// still under way. On these the kernel invalidates and completes once more, and so do our
// platforms.
#pragma once

#include <concepts>

#include "kmod/core/platform.hh"

namespace tlblab::core {

/// What a machine that broadcasts must offer. Any context with interrupts enabled; never sleeps.
///
/// publish(): step 1, for this CPU's own stores only. Stores of another CPU that this one saw by a
///   plain load need more: see credit.hh.
/// read_asid(): step 2. Not before an earlier publish().
/// invalidate(asid, interval, repeat): step 3 for leaf entries of the pages of one interval.
/// invalidate_mm(asid, repeat): step 3 for all of the address space.
/// complete(repeat): step 4 for all that this CPU has invalidated before.
/// With `repeat` false the repetition that broken cores need is left out: a planted fault. The last
/// three return how many repetitions they made: 0 on sound cores.
template <class M>
concept Broadcaster = requires(M m, u64 asid, const lab_interval& interval, bool repeat) {
  { m.publish() } -> std::same_as<void>;
  { m.read_asid() } -> std::same_as<u64>;
  { m.invalidate(asid, interval, repeat) } -> std::same_as<u64>;
  { m.invalidate_mm(asid, repeat) } -> std::same_as<u64>;
  { m.complete(repeat) } -> std::same_as<u64>;
};

/// How a request's invalidations are completed.
struct Completion {
  bool each = false;   ///< TLBLAB_TLBI_DSB_EACH: after each page; else once, at the end
  bool repeat = true;  ///< false: TLBLAB_NO_REPEAT
};

/// On return no CPU can use a translation that the request covers and that this CPU emptied before
/// the call. Freed tables take a flush of the whole address space: a last-level TLBI leaves what
/// walks have cached of the levels above.
template <Broadcaster M>
lab_flush_cost broadcast_flush(M& machine, const lab_flush& request, Completion completion) {
  const u64 stride = u64{1} << request.stride_shift;
  lab_flush_cost cost{};
  cost.targets = TLBLAB_UNKNOWN;
  cost.dsb_ishst = 1;
  machine.publish();
  const u64 asid = machine.read_asid();
  if (request.whole || request.tables_freed) {
    cost.tlbi = cost.dsb_ish = 1;
    cost.repeats += machine.invalidate_mm(asid, completion.repeat);
    cost.repeats += machine.complete(completion.repeat);
    return cost;
  }
  const lab_interval* const intervals = request.intervals;
  const u32 nr = request.nr_intervals;
  for (u32 i = 0; i < nr; ++i) {
    cost.tlbi += (intervals[i].end - intervals[i].start) >> request.stride_shift;
  }
  // Tested once, so that each path through the object code shows what completes what.
  if (!completion.each) {
    for (u32 i = 0; i < nr; ++i) {
      cost.repeats += machine.invalidate(asid, intervals[i], completion.repeat);
    }
    cost.repeats += machine.complete(completion.repeat);
    cost.dsb_ish = 1;
    return cost;
  }
  for (u32 i = 0; i < nr; ++i) {
    for (u64 start = intervals[i].start; start < intervals[i].end; start += stride) {
      const lab_interval page = {start, start + stride};
      cost.repeats += machine.invalidate(asid, page, completion.repeat);
      cost.repeats += machine.complete(completion.repeat);
      ++cost.dsb_ish;
    }
  }
  return cost;
}

}  // namespace tlblab::core
