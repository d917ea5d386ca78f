// SPDX-License-Identifier: GPL-2.0-only
// A paced operation: a platform that announces each step which other CPUs can notice, before it is
// taken, so that somebody can hold it there (struct tlblab_pace). The schemes above it don't know.
//
// The steps are those of gather.hh's rule, each on its own: spans are cleared entry by entry, and
// frames released one by one. So it stands below planted faults (faults.hh): what is announced is
// what is really done.
#pragma once

#include "kmod/core/platform.hh"

namespace tlblab::core {

/// A platform on which one can stop. stop_before(step, subject, may_yield): returns when the step
/// may be taken. `step` is an enum tlblab_step, `subject` as struct tlblab_pace says, but that of a
/// frame is its handle. `may_yield`: no table is locked.
template <class P>
concept StoppingPlatform = Platform<P> && requires(P p, u32 step, u64 subject, bool may_yield) {
  { p.stop_before(step, subject, may_yield) } -> std::same_as<void>;
};

/// The contract of Platform; frames stay where the caller wants them.
template <StoppingPlatform P>
class Paced {
 public:
  static constexpr bool kOneIntervalPerRequest = P::kOneIntervalPerRequest;

  Paced(P& platform, u32 page_shift) : platform_(platform), page_shift_(page_shift) {}

  bool lock_table(void* vma, u64 start, u64 end, lab_table& table) {
    locked_ = platform_.lock_table(vma, start, end, table);
    return locked_;
  }

  void unlock_table(lab_table& table) {
    locked_ = false;
    platform_.unlock_table(table);
  }

  lab_span clear_span(lab_table& table, u64 address, u32 nr, void** frames) {
    lab_span all{};
    for (u32 i = 0; i < nr; ++i, address += u64{1} << page_shift_) {
      stop_before(TLBLAB_STEP_CLEAR, address);
      const lab_span one = platform_.clear_span(table, address, 1, frames);
      all.cleared |= one.cleared << i;
      all.foreign |= one.foreign << i;
      frames += one.cleared;
    }
    return all;
  }

  lab_flush_cost flush(const lab_interval* intervals, u32 nr) {
    stop_before(TLBLAB_STEP_FLUSH, intervals->start);
    return platform_.flush(intervals, nr);
  }

  lab_flush_cost flush_mm() {
    stop_before(TLBLAB_STEP_FLUSH, 0);
    return platform_.flush_mm();
  }

  u64 release(void* const* frames, u32 nr) {
    u64 unmapped = 0;
    for (u32 i = 0; i < nr; ++i) {
      stop_before(TLBLAB_STEP_RELEASE, reinterpret_cast<u64>(frames[i]));
      unmapped += platform_.release(frames + i, 1);
    }
    return unmapped;
  }

  bool resched_point() { return platform_.resched_point(); }
  u64 clock_ns() { return platform_.clock_ns(); }

 private:
  void stop_before(u32 step, u64 subject) { platform_.stop_before(step, subject, !locked_); }

  P& platform_;
  u32 page_shift_;
  bool locked_ = false;
};

}  // namespace tlblab::core
