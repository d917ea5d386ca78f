// SPDX-License-Identifier: GPL-2.0-only
// Flush requests on arm64: the architecture's part of the core's platform. The counterpart is
// kmod/arch/x86/mechanism.hh; the include path selects one of them.
#pragma once

#include "kmod/core/flush/broadcast.hh"
#include "kmod/core/platform.hh"

namespace tlblab::core {

/// TLBI broadcast to the inner-shareable domain, in the order of broadcast.hh; each request takes a
/// list of intervals.
class Mechanism {
 public:
  static constexpr bool kOneIntervalPerRequest = false;

  /// `plan`: null for flushes that belong to no request.
  Mechanism(lab_session* session, const lab_plan* plan)
      : session_(session), repeat_(plan == nullptr || plan->request->fault != TLBLAB_NO_REPEAT) {}

  /// Executable entries need nothing: there are none (lab_arena_mmap()).
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
