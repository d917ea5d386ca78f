// SPDX-License-Identifier: GPL-2.0-only
// How far a cell's responders are from its initiator, as the file recorded it.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "user/model/distance.hh"
#include "user/model/plan.hh"
#include "user/records/header.hh"

namespace tlblab {

/// So many of a cell's responders are so far from the initiator.
struct ResponderDistance {
  unsigned nr_responders = 0;
  std::string words;  ///< CpuDistance::words, or "unknown"

  bool operator==(const ResponderDistance&) const = default;
};

/// What a file's runs say of the CPUs' distances; only what all of them say alike.
std::vector<CpuDistance> recorded_distances(const records::RunHeader& first,
                                            std::span<const records::RunHeader> later_runs);

/// In the order in which the cell's responders are taken from `cpus` (initiator first), each
/// distance once; empty without responders.
std::vector<ResponderDistance> responder_distances(const CellPlan& plan,
                                                   const std::vector<int>& cpus,
                                                   std::span<const CpuDistance> recorded);

/// "no responder", "same L3 cache", "1 same L3 cache, 2 other node".
std::string distance_words(const std::vector<ResponderDistance>& distances);

}  // namespace tlblab
