// SPDX-License-Identifier: GPL-2.0-only
// The kernel as the core's platform: every call is one of kmod/boundary/kernel.h. How CPUs are told
// to flush depends on the architecture (kmod/arch/<a>/mechanism.hh, found by include path).
#pragma once

#include <mechanism.hh>

#include "kmod/core/platform.hh"
#include "kmod/core/safety/leftovers.hh"
#include "kmod/core/safety/quarantine.hh"

namespace tlblab::core {

class KernelPlatform : public Mechanism {
 public:
  /// `plan`: null for flushes that belong to no request.
  KernelPlatform(lab_session* session, const lab_plan* plan)
      : Mechanism(session, plan), session_(session) {}

  bool lock_table(void* vma, u64 start, u64 end, lab_table& table) {
    return lab_table_lock(session_, vma, start, end, &table);
  }
  void unlock_table(lab_table& table) { lab_table_unlock(session_, &table); }
  lab_span clear_span(lab_table& table, u64 address, u32 nr, void** frames) {
    return lab_clear_span(session_, &table, address, nr, frames);
  }
  u64 release(void* const* frames, u32 nr) { return lab_release_frames(session_, frames, nr); }
  lab_reserved reserve_span(void* vma, u64 address, u32 nr) {
    return lab_reserve_span(session_, vma, address, nr);
  }
  lab_set set_span(void* vma, u64 address, u32 nr, u64 reserved) {
    return lab_set_span(session_, vma, address, nr, reserved);
  }
  void unreserve_span(void* vma, u64 address, u64 reserved) {
    lab_unreserve_span(session_, vma, address, reserved);
  }
  u32 take_left(void* vma, void** frames) { return lab_take_left(session_, vma, frames); }
  bool resched_point() { return lab_resched_point(session_); }
  u64 clock_ns() { return lab_clock_ns(); }
  void stop_before(u32 step, u64 subject, bool may_yield) {
    lab_stop_before(session_, step, subject, may_yield);
  }

 private:
  lab_session* session_;
};

static_assert(Platform<KernelPlatform> && Stops<KernelPlatform>);

/// The kernel's shared words.
struct KernelWords {
  using Word = u64;

  u64 load(const Word& word, Order) { return lab_word_load(&word); }
  u64 add(Word& word, u64 delta, Order) { return lab_word_add(&word, delta); }
  bool exchange_if(Word& word, u64 expected, u64 desired, Order) {
    return lab_word_exchange_if(&word, expected, desired);
  }
};

static_assert(CountWords<KernelWords>);

struct KernelQuarantine {
  u64 take() { return lab_quarantine_take(); }
  void flush_everything() { lab_flush_everything(); }
  void give_back() { lab_quarantine_give_back(); }
};

static_assert(Quarantine<KernelQuarantine>);

}  // namespace tlblab::core
