// SPDX-License-Identifier: GPL-2.0-only
// A stretch of time.
#pragma once

#include <cstdint>

namespace tlblab {

/// On CLOCK_MONOTONIC; the end is not before the beginning.
struct TimeSpan {
  std::uint64_t begin_ns = 0;
  std::uint64_t end_ns = 0;

  [[nodiscard]] std::uint64_t length_ns() const { return end_ns - begin_ns; }
};

}  // namespace tlblab
