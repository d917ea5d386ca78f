// SPDX-License-Identifier: GPL-2.0-only
// A platform that forwards every call to another: the base of wrappers that change some of them. It
// offers only what the platform below offers.
#pragma once

#include "kmod/core/platform.hh"

namespace tlblab::core {

template <class P>
class Forward {
 public:
  static constexpr bool kOneIntervalPerRequest = P::kOneIntervalPerRequest;

  /// `below` must outlive it.
  explicit Forward(P& below) : below_(below) {}

  bool lock_table(void* vma, u64 start, u64 end, lab_table& table) requires LocksTables<P> {
    return below_.lock_table(vma, start, end, table);
  }
  void unlock_table(lab_table& table) requires LocksTables<P> { below_.unlock_table(table); }
  lab_span clear_span(lab_table& table, u64 address, u32 nr,
                      void** frames) requires ClearsEntries<P> {
    return below_.clear_span(table, address, nr, frames);
  }
  lab_flush_cost flush(const lab_flush& request) requires Flushes<P> {
    return below_.flush(request);
  }
  u64 release(void* const* frames, u32 nr) requires ReleasesFrames<P> {
    return below_.release(frames, nr);
  }
  lab_reserved reserve_span(void* vma, u64 address, u32 nr) requires SetsEntries<P> {
    return below_.reserve_span(vma, address, nr);
  }
  lab_set set_span(void* vma, u64 address, u32 nr, u64 reserved) requires SetsEntries<P> {
    return below_.set_span(vma, address, nr, reserved);
  }
  void unreserve_span(void* vma, u64 address, u64 reserved) requires SetsEntries<P> {
    below_.unreserve_span(vma, address, reserved);
  }
  u32 take_left(void* vma, void** frames) requires KnowsWhatIsLeft<P> {
    return below_.take_left(vma, frames);
  }
  bool resched_point() requires Yields<P> { return below_.resched_point(); }
  u64 clock_ns() requires HasClock<P> { return below_.clock_ns(); }
  void stop_before(u32 step, u64 subject, bool may_yield) requires Stops<P> {
    below_.stop_before(step, subject, may_yield);
  }

 protected:
  P& below() { return below_; }

 private:
  P& below_;
};

}  // namespace tlblab::core
