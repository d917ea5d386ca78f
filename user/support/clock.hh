// SPDX-License-Identifier: GPL-2.0-only
// The one clock of the driver.
#pragma once

#include <time.h>

#include <cstdint>

namespace tlblab {

inline std::uint64_t nanoseconds(const timespec& time) {
  return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000u +
         static_cast<std::uint64_t>(time.tv_nsec);
}

/// CLOCK_MONOTONIC in ns, through the vDSO where the clock source allows it (`doctor` warns when it
/// does not). Chosen over the raw cycle counter because it needs no calibration, is the same on
/// every architecture, and two reads cost under 100 ns (bench/clock_bench.cc shows it).
inline std::uint64_t now_ns() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return nanoseconds(now);
}

}  // namespace tlblab
