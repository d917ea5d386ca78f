// SPDX-License-Identifier: GPL-2.0-only
// A paced operation: a platform that announces each step that other CPUs can notice before it is
// taken, so that the caller can hold it there (struct tlblab_pace). The schemes above it don't
// know.
//
// The steps are those of gather.hh's rule, one at a time: spans are cleared entry by entry, and
// frames released one by one. It is placed below planted faults (faults.hh), so that it announces
// what is really done.
#pragma once

#include "kmod/core/platform.hh"
#include "kmod/core/wrap/forward.hh"

namespace tlblab::core {

/// The contract of the platform below, which includes how frames are packed.
template <GathersOn P>
requires Stops<P>
class Paced : public Forward<P> {
 public:
  using Base = Forward<P>;

  Paced(P& below, u32 page_shift) : Base(below), page_shift_(page_shift) {}

  bool lock_table(void* vma, u64 start, u64 end, lab_table& table) {
    locked_ = Base::lock_table(vma, start, end, table);
    return locked_;
  }

  void unlock_table(lab_table& table) {
    locked_ = false;
    Base::unlock_table(table);
  }

  lab_span clear_span(lab_table& table, u64 address, u32 nr, void** frames) {
    lab_span all{};
    for (u32 i = 0; i < nr; ++i, address += u64{1} << page_shift_) {
      announce(TLBLAB_STEP_CLEAR, address);
      const lab_span one = Base::clear_span(table, address, 1, frames);
      all.cleared |= one.cleared << i;
      all.foreign |= one.foreign << i;
      frames += one.cleared;
    }
    return all;
  }

  lab_flush_cost flush(const lab_flush& request) {
    announce(TLBLAB_STEP_FLUSH, request.whole ? 0 : request.intervals->start);
    return Base::flush(request);
  }

  u64 release(void* const* frames, u32 nr) {
    u64 unmapped = 0;
    for (u32 i = 0; i < nr; ++i) {
      announce(TLBLAB_STEP_RELEASE, reinterpret_cast<u64>(frames[i]));
      unmapped += Base::release(frames + i, 1);
    }
    return unmapped;
  }

 private:
  void announce(u32 step, u64 subject) { Base::stop_before(step, subject, !locked_); }

  u32 page_shift_;
  bool locked_ = false;
};

}  // namespace tlblab::core
