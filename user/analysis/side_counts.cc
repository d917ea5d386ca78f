// SPDX-License-Identifier: GPL-2.0-only
// Running means, of constant size per event and responder.
#include "user/analysis/side_counts.hh"

#include <algorithm>

#include "user/statistics/blocks.hh"

namespace tlblab {
namespace {

ResponderSpread spread_of(const std::map<std::size_t, CountMean>& by_responder) {
  std::vector<double> means;
  means.reserve(by_responder.size());
  for (const auto& [responder, count] : by_responder) means.push_back(count.mean);
  const auto [least, most] = std::minmax_element(means.begin(), means.end());
  ResponderSpread spread{*least, 0, *most, means.size()};
  spread.median = statistics::median_in_place(means);
  return spread;
}

}  // namespace

void CountMean::add(std::uint64_t count) {
  min = nr_trials == 0 ? count : std::min(min, count);
  max = std::max(max, count);
  ++nr_trials;
  mean += (static_cast<double>(count) - mean) / static_cast<double>(nr_trials);
}

void SideCountsBuilder::add(const std::vector<Counts>& counts) {
  if (counts.empty()) return;
  for (const auto& [event, count] : counts.front()) so_far_.initiator[event].add(count);
  const std::size_t nr_responders = counts.size() - 1;
  std::map<std::string, std::pair<std::uint64_t, std::size_t>> sums;  // and how many counted
  for (std::size_t i = 0; i < nr_responders; ++i) {
    for (const auto& [event, count] : counts[1 + i]) {
      auto& [sum, nr_counted] = sums[event];
      sum += count;
      ++nr_counted;
      single_[event][i].add(count);
    }
  }
  // A sum without one of the responders is none: it would read as fewer.
  for (const auto& [event, sum] : sums) {
    if (sum.second == nr_responders) so_far_.responders[event].add(sum.first);
  }
}

SideCounts SideCountsBuilder::finish() const {
  SideCounts counts = so_far_;
  for (const auto& [event, means] : single_) counts.spread[event] = spread_of(means);
  return counts;
}

}  // namespace tlblab
