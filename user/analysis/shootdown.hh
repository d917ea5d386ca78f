// SPDX-License-Identifier: GPL-2.0-only
// By what else than an interrupt the machine of a result may tell other CPUs to flush.
#pragma once

#include <optional>

#include "user/model/machine.hh"

namespace tlblab {

struct Shootdown {
  /// A hypervisor may carry flushes out that the kernel then sends no interrupt for; absent: not
  /// known.
  std::optional<bool> by_hypervisor;
  /// The CPU has INVLPGB, and nothing recorded says that the kernel can't use it.
  bool by_broadcast = false;
};

/// Pure. From the recorded facts about flushes; files of before 0.4 have them among those about the
/// TLBs.
Shootdown shootdown_of(const Machine& machine);

}  // namespace tlblab
