// SPDX-License-Identifier: GPL-2.0-only
// Flush requests on x86: the architecture's part of the core's platform. The counterpart is
// kmod/arch/arm64/mechanism.hh; the include path selects one of them.
#pragma once

#include "kmod/core/platform.hh"

namespace tlblab::core {

/// The kernel's own shootdown, one interval per request: flush_tlb_mm_range() takes no list.
class Mechanism {
 public:
  static constexpr bool kOneIntervalPerRequest = true;

  Mechanism(lab_session* session, const lab_plan*) : session_(session) {}

  lab_flush_cost flush(const lab_flush& request) { return lab_shootdown(session_, &request); }

 private:
  lab_session* session_;
};

}  // namespace tlblab::core
