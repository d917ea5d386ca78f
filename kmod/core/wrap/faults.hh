// SPDX-License-Identifier: GPL-2.0-only
// Planted faults: a platform that breaks its contract on purpose, so that the oracle has something
// to see. The schemes above it don't know. Which fault it is, is run-time data here: only the
// operations that were asked to be wrong come this way.
//
// What each breaks of the rule in gather.hh (clear, flush, release):
//
//   TLBLAB_NO_FLUSH          no (2) at all
//   TLBLAB_RELEASE_FIRST     (3) before (2): each flush comes after the release of what it covers;
//                            in between, other CPUs use released frames
//   TLBLAB_EARLY_FULL_FLUSH  (2) before (1), and of everything: CPUs load the entries again before
//                            they are cleared, and nobody tells them afterwards
//
// TLBLAB_TRUST_NONE is not here: the operation is sound, but its caller does not own the ranges.
// Nor is TLBLAB_NO_REPEAT: that is inside a flush request (broadcast.hh).
//
// Requests are counted all the same, by the gather, which believes to have made them. Their costs
// are those of what was really done.
#pragma once

#include "kmod/core/gather/extent.hh"
#include "kmod/core/platform.hh"

namespace tlblab::core {

/// Whether the operation needs a Faulty platform to be wrong.
constexpr bool breaks_platform(u32 fault) {
  return fault == TLBLAB_NO_FLUSH || fault == TLBLAB_RELEASE_FIRST ||
         fault == TLBLAB_EARLY_FULL_FLUSH;
}

/// The contract of Platform, but for the fault. In addition the frames of consecutive spans must be
/// consecutive in memory from one flush to the next, and stay there until then: so the gather keeps
/// them.
template <Platform P>
class Faulty {
 public:
  static constexpr bool kOneIntervalPerRequest = P::kOneIntervalPerRequest;

  /// `fault`: one for which breaks_platform() holds.
  Faulty(P& platform, u32 fault) : platform_(platform), fault_(fault) {}

  bool lock_table(void* vma, u64 start, u64 end, lab_table& table) {
    if (fault_ == TLBLAB_EARLY_FULL_FLUSH && !began_) early_cost_ = platform_.flush_mm();
    began_ = true;
    locked_ = platform_.lock_table(vma, start, end, table);
    return locked_;
  }

  void unlock_table(lab_table& table) {
    locked_ = false;
    platform_.unlock_table(table);
  }

  lab_span clear_span(lab_table& table, u64 address, u32 nr, void** frames) {
    const lab_span span = platform_.clear_span(table, address, nr, frames);
    if (nr_pending_ == 0) pending_ = frames;
    nr_pending_ += count_entries(span.cleared);
    return span;
  }

  lab_flush_cost flush(const lab_interval* intervals, u32 nr) {
    if (fault_ != TLBLAB_RELEASE_FIRST) return take_early_cost();
    release_pending();
    return platform_.flush(intervals, nr);
  }

  lab_flush_cost flush_mm() {
    if (fault_ != TLBLAB_RELEASE_FIRST) return take_early_cost();
    release_pending();
    return platform_.flush_mm();
  }

  /// Under TLBLAB_RELEASE_FIRST these frames are released already, since what is released was
  /// flushed before: the first call tells how many they were, in all.
  u64 release(void* const* frames, u32 nr) {
    if (fault_ != TLBLAB_RELEASE_FIRST) return platform_.release(frames, nr);
    const u64 released = nr_released_;
    nr_released_ = 0;
    return released;
  }

  bool resched_point() {
    if (!platform_.resched_point()) stopped_ = true;
    return !stopped_;
  }

  u64 clock_ns() { return platform_.clock_ns(); }

 private:
  /// Spans released between two offers to yield the CPU.
  static constexpr u64 kSpansPerOffer = 4;

  /// The early flush's cost is that of the first request, the others had none.
  lab_flush_cost take_early_cost() {
    const lab_flush_cost cost = early_cost_;
    early_cost_ = {};
    return cost;
  }

  /// Under the table's lock, too, if that is where the gather flushes.
  void release_pending() {
    for (u64 done = 0, spans = 0; done < nr_pending_; ++spans) {
      const u64 nr = smaller<u64>(nr_pending_ - done, kSpanEntries);
      nr_released_ += platform_.release(pending_ + done, static_cast<u32>(nr));
      done += nr;
      if (!locked_ && spans % kSpansPerOffer == kSpansPerOffer - 1) resched_point();
    }
    nr_pending_ = 0;
  }

  P& platform_;
  u32 fault_;
  void** pending_ = nullptr;  ///< cleared and neither flushed nor released
  u64 nr_pending_ = 0;
  u64 nr_released_ = 0;  ///< not yet told to the caller
  lab_flush_cost early_cost_{};
  bool began_ = false;
  bool locked_ = false;
  bool stopped_ = false;
};

}  // namespace tlblab::core
