// SPDX-License-Identifier: GPL-2.0-only
// How other CPUs are told, as the core calls it: the part of its platform that is arm64's. The
// other one is kmod/arch/x86/mechanism.hh; which of them is meant, the include path says.
#pragma once

#include "kmod/core/flush/broadcast.hh"
#include "kmod/core/platform.hh"

namespace tlblab::core {

/// TLBI broadcast to the inner-shareable domain, in the order of broadcast.hh; a list of intervals
/// a request.
class Mechanism {
 public:
  static constexpr bool kOneIntervalPerRequest = false;

  /// `plan`: null for a flush that no request asks for.
  Mechanism(lab_session* session, const lab_plan* plan)
      : session_(session), repeat_(plan == nullptr || plan->request->fault != TLBLAB_NO_REPEAT) {}

  /// Nothing has to be done for executable entries: there are none (lab_arena_mmap()).
  lab_flush_cost flush(const lab_flush& request) {
    return broadcast_flush(*this, request,
                           {.each = request.mechanism == TLBLAB_TLBI_DSB_EACH, .repeat = repeat_});
  }

  // --- Broadcaster

  void publish() { lab_publish(); }
  u64 read_asid() { return lab_read_asid(session_); }
  u64 invalidate(u64 asid, const lab_interval& interval, bool repeat) {
    return lab_invalidate(asid, &interval, repeat);
  }
  u64 invalidate_mm(u64 asid, bool repeat) { return lab_invalidate_mm(asid, repeat); }
  u64 complete(bool repeat) { return lab_complete(repeat); }

 private:
  lab_session* session_;
  bool repeat_;
};

static_assert(Broadcaster<Mechanism>);

}  // namespace tlblab::core
