// SPDX-License-Identifier: GPL-2.0-only
// The calibrator: what one round of interrupts to the responders costs right now, with no TLB work.
#pragma once

#include <cstdint>

namespace tlblab {

/// An IPI round trip from user space: membarrier(PRIVATE_EXPEDITED) interrupts each CPU that runs a
/// thread of this process and waits for all of them. Measured once per block, so that a change of
/// regime (the host moved a virtual CPU, a frequency changed) is seen beside the results that it
/// affects. Source: docs/methods.md; membarrier(2).
class Calibrator {
 public:
  /// Registers the process. When the kernel lacks the command, measure_ns() returns 0.
  Calibrator();
  /// Median of kRounds rounds, in ns. The responders must be spinning.
  [[nodiscard]] std::uint64_t measure_ns() const;

 private:
  bool available_;
};

}  // namespace tlblab
