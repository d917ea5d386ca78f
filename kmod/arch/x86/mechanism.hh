// SPDX-License-Identifier: GPL-2.0-only
// How other CPUs are told, as the core calls it: the part of its platform that is x86's. The other
// one is kmod/arch/arm64/mechanism.hh; which of them is meant, the include path says.
#pragma once

#include "kmod/core/platform.hh"

namespace tlblab::core {

/// The kernel's own shootdown, one interval a request: flush_tlb_mm_range() takes no list.
class Mechanism {
 public:
  static constexpr bool kOneIntervalPerRequest = true;

  Mechanism(lab_session* session, const lab_plan*) : session_(session) {}

  lab_flush_cost flush(const lab_flush& request) { return lab_shootdown(session_, &request); }

 private:
  lab_session* session_;
};

}  // namespace tlblab::core
