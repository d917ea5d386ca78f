// SPDX-License-Identifier: GPL-2.0-only
// Distances as facts.
#include "user/model/distance.hh"

#include "user/model/cpu_list.hh"

namespace tlblab {

std::vector<Fact> distance_facts(std::span<const CpuDistance> distances) {
  std::vector<Fact> facts;
  std::vector<int> group;
  for (std::size_t i = 0; i < distances.size(); ++i) {
    group.push_back(distances[i].cpu);
    const bool ends = i + 1 == distances.size() || distances[i + 1].words != distances[i].words;
    if (!ends) continue;
    facts.emplace_back("CPUs " + format_cpu_list(group), distances[i].words);
    group.clear();
  }
  return facts;
}

}  // namespace tlblab
