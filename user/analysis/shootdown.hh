// SPDX-License-Identifier: GPL-2.0-only
// By what else than an interrupt the machine of a result may tell other CPUs to flush.
#pragma once

#include <optional>
#include <vector>

#include "user/model/machine.hh"

namespace tlblab {

struct Shootdown {
  /// A hypervisor may carry flushes out that the kernel then sends no interrupt for; absent: not
  /// known.
  std::optional<bool> by_hypervisor;
  bool by_broadcast = false;  ///< the CPU has INVLPGB
};

/// Pure. From the recorded facts about the machine's TLBs (Machine::tlb).
Shootdown shootdown_of(const std::vector<Fact>& tlb);

}  // namespace tlblab
