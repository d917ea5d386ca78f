// SPDX-License-Identifier: GPL-2.0-only
// Planted faults of the flush: a platform that breaks its contract on purpose, so that the oracle
// has something to catch. The schemes above it don't know. The fault is run-time data here, because
// only operations that ask for a fault take this path.
//
// How each breaks the rule of gather.hh (clear, flush, release):
//
//   TLBLAB_NO_FLUSH          no (2) at all
//   TLBLAB_EARLY_FULL_FLUSH  (2) before (1), and of everything: CPUs load the entries again before
//                            they are cleared, and are not told afterwards
//
// The others are elsewhere: TLBLAB_RELEASE_FIRST is a release rule (release/release_first.hh),
// TLBLAB_NO_REPEAT is inside a flush request (flush/broadcast.hh), and under TLBLAB_TRUST_NONE the
// operation is sound, but its caller does not own the ranges.
//
// The gather still counts its requests, as if they had been made. Their costs are those of what was
// really done.
#pragma once

#include "kmod/core/platform.hh"
#include "kmod/core/wrap/forward.hh"

namespace tlblab::core {

/// Whether the operation needs a Faulty platform to be wrong.
constexpr bool breaks_platform(u32 fault) {
  return fault == TLBLAB_NO_FLUSH || fault == TLBLAB_EARLY_FULL_FLUSH;
}

/// The contract of the platform below, but for the fault.
template <GathersOn P>
class Faulty : public Forward<P> {
 public:
  /// `fault`: one for which breaks_platform() holds.
  Faulty(P& below, u32 fault) : Forward<P>(below), fault_(fault) {}

  bool lock_table(void* vma, u64 start, u64 end, lab_table& table) {
    if (fault_ == TLBLAB_EARLY_FULL_FLUSH && !began_) {
      lab_flush everything{};
      everything.whole = true;
      early_cost_ = Forward<P>::flush(everything);
    }
    began_ = true;
    return Forward<P>::lock_table(vma, start, end, table);
  }

  /// The first request has the early flush's cost, the others have none.
  lab_flush_cost flush(const lab_flush& /*request*/) {
    const lab_flush_cost cost = early_cost_;
    early_cost_ = {};
    return cost;
  }

 private:
  u32 fault_;
  lab_flush_cost early_cost_{};
  bool began_ = false;
};

}  // namespace tlblab::core
