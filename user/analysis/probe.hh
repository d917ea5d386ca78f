// SPDX-License-Identifier: GPL-2.0-only
// What an operation leaves its victims to pay after the window: from the walks of the probe pass.
#pragma once

#include <array>
#include <cstddef>
#include <map>
#include <optional>
#include <vector>

#include "user/analysis/side_counts.hh"
#include "user/model/interval.hh"
#include "user/records/probe.hh"

namespace tlblab {

/// Of one arm. Walks after the operation less walks after the empty one on the same memory:
/// a difference of medians in each block, then the mean over blocks and sessions.
struct ProbeLoss {
  Interval initiator_ns;
  Interval responders_ns;  ///< summed over responders; 0 without any
  /// Summed over bystanders, victims in another process; absent where none of them walked.
  std::optional<Interval> bystanders_ns;
};

/// Of one size of the working set.
struct ProbePoint {
  std::size_t nr_pages = 0;
  std::array<ProbeLoss, 2> losses;  ///< by arm
  /// Medians of the walks after the empty operation: what a loss adds to. The responders'
  /// and the bystanders' are sums.
  double initiator_walk_ns = 0;
  double responders_walk_ns = 0;
  std::optional<double> bystanders_walk_ns;
  /// Of the walks that were counted: [arm], [1] after the operation, [0] after the empty one.
  std::array<std::array<SideCounts, 2>, 2> counts;
  std::size_t nr_blocks = 0;  ///< with all four kinds of walk
};

/// The probe pass of one session.
struct ProbedSession {
  double start_s = 0;  ///< of the session's first block, since the epoch
  double seconds = 0;  ///< of the session's measuring
  std::vector<records::ProbeTrial> trials;
};

/// Gathers sessions; a session's trials are not kept.
class ProbeAnalysis {
 public:
  ProbeAnalysis();
  ~ProbeAnalysis();
  ProbeAnalysis(ProbeAnalysis&&) noexcept;
  ProbeAnalysis& operator=(ProbeAnalysis&&) = delete;

  void add(const ProbedSession& session);

  /// By size, ascending. Empty when nothing was measured: then it is unknown, not 0. Sizes of which
  /// no block has an operation and an empty one for both arms are left out.
  [[nodiscard]] std::vector<ProbePoint> finish();

 private:
  class Size;
  std::map<std::size_t, Size> sizes_;
};

}  // namespace tlblab
