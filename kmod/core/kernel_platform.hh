// SPDX-License-Identifier: GPL-2.0-only
// The kernel as a platform of the core: every call is one of kmod/linux/kernel.h.
#pragma once

#include "kmod/core/platform.hh"

namespace tlblab::core {

class KernelPlatform {
 public:
  static constexpr bool kOneIntervalPerRequest = LAB_ONE_INTERVAL_PER_REQUEST != 0;

  explicit KernelPlatform(lab_session* session) : session_(session) {}

  bool lock_table(void* vma, u64 start, u64 end, lab_table& table) {
    return lab_table_lock(session_, vma, start, end, &table);
  }
  void unlock_table(lab_table& table) { lab_table_unlock(session_, &table); }
  u64 clear_span(lab_table& table, u64 address, u32 nr, void** frames) {
    return lab_clear_span(session_, &table, address, nr, frames);
  }
  lab_flush_cost flush(const lab_interval* intervals, u32 nr) {
    return lab_flush_intervals(session_, intervals, nr);
  }
  lab_flush_cost flush_mm() { return lab_flush_mm(session_); }
  u64 release(void* const* frames, u32 nr) { return lab_release_frames(session_, frames, nr); }
  bool resched_point() { return lab_resched_point(session_); }
  u64 clock_ns() { return lab_clock_ns(); }
  void stop_before(u32 step, u64 subject, bool may_yield) {
    lab_stop_before(session_, step, subject, may_yield);
  }

 private:
  lab_session* session_;
};

static_assert(Platform<KernelPlatform>);

}  // namespace tlblab::core
