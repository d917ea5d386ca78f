// SPDX-License-Identifier: GPL-2.0-only
// Looks up and counts distances.
#include "user/analysis/distance.hh"

#include <fmt/format.h>

#include <algorithm>

namespace tlblab {

std::vector<CpuDistance> recorded_distances(const records::RunHeader& first,
                                            std::span<const records::RunHeader> later_runs) {
  std::vector<CpuDistance> recorded = first.distances;
  for (const records::RunHeader& run : later_runs) {
    std::erase_if(recorded, [&](const CpuDistance& distance) {
      return std::find(run.distances.begin(), run.distances.end(), distance) == run.distances.end();
    });
  }
  return recorded;
}

std::vector<ResponderDistance> responder_distances(const CellPlan& plan,
                                                   const std::vector<int>& cpus,
                                                   std::span<const CpuDistance> recorded) {
  std::vector<ResponderDistance> found;
  for (std::size_t i = 1; i <= plan.nr_responders; ++i) {
    const auto known = std::find_if(
        recorded.begin(), recorded.end(),
        [&](const CpuDistance& distance) { return i < cpus.size() && distance.cpu == cpus[i]; });
    const std::string words = known == recorded.end() ? "unknown" : known->words;
    const auto same = std::find_if(found.begin(), found.end(), [&](const ResponderDistance& other) {
      return other.words == words;
    });
    if (same == found.end()) {
      found.push_back({1, words});
    } else {
      ++same->nr_responders;
    }
  }
  return found;
}

std::string distance_words(const std::vector<ResponderDistance>& distances) {
  if (distances.empty()) return "no responder";
  if (distances.size() == 1) return distances.front().words;
  std::string text;
  for (const ResponderDistance& distance : distances) {
    text +=
        fmt::format("{}{} {}", text.empty() ? "" : ", ", distance.nr_responders, distance.words);
  }
  return text;
}

}  // namespace tlblab
