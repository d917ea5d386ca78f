// SPDX-License-Identifier: GPL-2.0-only
// Counts of many operations, by side: the initiator, the responders together, each responder.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "user/model/counts.hh"

namespace tlblab {

/// Mean count per operation from the counting pass, one event on one side.
struct CountMean {
  double mean = 0;
  std::uint64_t min = 0;
  std::uint64_t max = 0;
  std::size_t nr_trials = 0;

  void add(std::uint64_t count);
};

/// CountMeans by event or term; an absent one is unknown.
using CountMeans = std::map<std::string, CountMean>;

/// One event on each responder: the responders' mean counts per operation, from least to most. The
/// same size however many there are.
struct ResponderSpread {
  double least = 0;
  double median = 0;
  double most = 0;
  std::size_t nr_responders = 0;  ///< that counted it
};

struct SideCounts {
  CountMeans initiator;
  CountMeans responders;  ///< summed over responders, of trials in which all of them counted
  std::map<std::string, ResponderSpread> spread;  ///< by event
};

class SideCountsBuilder {
 public:
  /// Of one operation: the initiator's, then the responders'. Empty: nothing was counted.
  void add(const std::vector<Counts>& counts);
  [[nodiscard]] SideCounts finish() const;

 private:
  SideCounts so_far_;                                               // without spreads
  std::map<std::string, std::map<std::size_t, CountMean>> single_;  // event, responder
};

}  // namespace tlblab
