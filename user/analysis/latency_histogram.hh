// SPDX-License-Identifier: GPL-2.0-only
// How latencies are distributed, in memory that does not grow with their number.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace tlblab {

/// Counts by value: exact below 4096 ns, in steps of 1/2048 of the value above.
class LatencyHistogram {
 public:
  void add(std::uint64_t latency_ns);

  [[nodiscard]] std::size_t size() const { return size_; }

  /// The value of that rank, from 0, within 1/4096 of itself; the greatest is exact. `rank` is less
  /// than size().
  [[nodiscard]] double at_rank(std::size_t rank) const;

  /// (value, share of all that are no greater), at `most` ranks evenly apart, first and last among
  /// them. Ascending in both.
  [[nodiscard]] std::vector<std::pair<double, double>> cumulative(std::size_t most) const;

 private:
  std::vector<std::uint64_t> counts_;  ///< by step
  std::size_t size_ = 0;
  std::uint64_t greatest_ns_ = 0;
};

}  // namespace tlblab
