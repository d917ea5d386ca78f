// SPDX-License-Identifier: GPL-2.0-only
// Gaps, and how much of them lies in the window.
#include "user/workload/gap_log.hh"

#include <algorithm>
#include <functional>
#include <limits>
#include <numeric>

namespace tlblab {
namespace {

std::uint32_t saturated(std::uint64_t value) {
  constexpr std::uint64_t most = std::numeric_limits<std::uint32_t>::max();
  return static_cast<std::uint32_t>(std::min(value, most));
}

}  // namespace

GapLog::GapLog() {
  gaps_.resize(kCapacity);  // touched now: a page fault in the window would be a gap of its own
  gaps_.clear();
}

void GapLog::begin(std::uint64_t now_ns) {
  origin_ns_ = now_ns;
  gaps_.clear();
  past_capacity_ = {};
}

void GapLog::add(std::uint64_t begin_ns, std::uint64_t end_ns) {
  const std::uint64_t length = end_ns - begin_ns;
  if (gaps_.size() == kCapacity) {
    past_capacity_.stolen_ns += length;
    ++past_capacity_.interrupts;
    return;
  }
  gaps_.push_back({saturated(begin_ns - origin_ns_), saturated(length)});
}

GapLog::Loss GapLog::loss_in(const TimeSpan& window) const {
  Loss loss = past_capacity_;
  for (const Gap& gap : gaps_) {
    const std::uint64_t begin = origin_ns_ + gap.begin_ns;
    if (begin >= window.end_ns || begin + gap.length_ns <= window.begin_ns) continue;
    loss.stolen_ns += gap.length_ns;
    ++loss.interrupts;
  }
  return loss;
}

std::uint64_t GapLog::most_away_ns(std::size_t times, const TimeSpan& window) const {
  if (times == 0) return 0;
  if (past_capacity_.interrupts > 0) return window.length_ns();
  std::vector<std::uint64_t> overlaps;
  for (const Gap& gap : gaps_) {
    const std::uint64_t begin = std::max(origin_ns_ + gap.begin_ns, window.begin_ns);
    const std::uint64_t end = std::min(origin_ns_ + gap.begin_ns + gap.length_ns, window.end_ns);
    if (begin < end) overlaps.push_back(end - begin);
  }
  const auto longest = static_cast<std::ptrdiff_t>(std::min(times, overlaps.size()));
  std::partial_sort(overlaps.begin(), overlaps.begin() + longest, overlaps.end(), std::greater<>());
  return std::accumulate(overlaps.begin(), overlaps.begin() + longest, std::uint64_t{0});
}

}  // namespace tlblab
