// SPDX-License-Identifier: GPL-2.0-only
// How far responders are from the initiator: what an interrupt costs depends on it.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "user/model/machine.hh"

namespace tlblab {

/// One CPU, and how far it is from the initiator's in words: "same L3 cache".
struct CpuDistance {
  int cpu = 0;
  std::string words;

  bool operator==(const CpuDistance&) const = default;
};

/// For people, equal neighbours together: "CPUs 2-3" and "same L3 cache".
std::vector<Fact> distance_facts(std::span<const CpuDistance> distances);

}  // namespace tlblab
