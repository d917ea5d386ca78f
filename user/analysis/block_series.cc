// SPDX-License-Identifier: GPL-2.0-only
// A block's trials to one value for each question.
#include "user/analysis/block_series.hh"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>
#include <span>

namespace tlblab {
namespace {

using statistics::ArmPair;

/// Medians by arm of what `value` gives for each trial; it gives nothing for one that does not
/// count. Empty when an arm has fewer than `least` values.
template <typename Value>
std::optional<ArmPair> medians_of(std::span<const Trial> trials, std::size_t least,
                                  const Value& value) {
  std::array<std::vector<double>, 2> values;
  for (std::size_t i = 0; i < trials.size(); ++i) {
    const std::optional<double> found = value(i);
    if (found) values[static_cast<std::size_t>(trials[i].arm)].push_back(*found);
  }
  if (std::min(values[0].size(), values[1].size()) < least) return std::nullopt;
  return ArmPair{statistics::median_in_place(values[0]), statistics::median_in_place(values[1])};
}

std::optional<ArmPair> stolen_of(std::span<const Trial> trials) {
  return medians_of(trials, 1, [&](std::size_t i) -> std::optional<double> {
    if (trials[i].state != TrialState::kOk) return std::nullopt;
    return std::accumulate(
        trials[i].responders.begin(), trials[i].responders.end(), 0.0,
        [](double sum, const ResponderSample& responder) { return sum + responder.stolen_ns; });
  });
}

std::optional<ArmPair> outside_of(std::span<const Trial> trials) {
  return medians_of(
      trials, statistics::kMinTrialsPerArm, [&](std::size_t i) -> std::optional<double> {
        if (trials[i].state != TrialState::kOk || i + 1 == trials.size()) {
          return std::nullopt;
        }
        const std::uint64_t end_ns = trials[i].start_ns + trials[i].latency_ns;
        return static_cast<double>(trials[i + 1].start_ns) - static_cast<double>(end_ns);
      });
}

/// ln(A/B) of the trials at one place of their runs.
std::optional<double> ratio_at(std::span<const Trial> trials, std::size_t place) {
  constexpr std::size_t least = kRunsPerBlock / 4;
  const auto pair = medians_of(trials, least, [&](std::size_t i) -> std::optional<double> {
    if (trials[i].state != TrialState::kOk || i % kTrialsPerRun != place) return std::nullopt;
    return static_cast<double>(trials[i].latency_ns);
  });
  if (!pair || !(pair->a > 0 && pair->b > 0)) return std::nullopt;
  return statistics::log_ratio(*pair);
}

std::optional<double> position_of(std::span<const Trial> trials) {
  if (trials.size() != kTrialsPerBlock) return std::nullopt;  // they alternated
  const auto second = ratio_at(trials, 1);
  const auto last = ratio_at(trials, kTrialsPerRun - 1);
  if (!second || !last) return std::nullopt;
  return *second - *last;
}

/// Nearest rank.
double percentile_99(std::vector<double>& values) {
  const auto rank =
      static_cast<std::ptrdiff_t>(std::ceil(0.99 * static_cast<double>(values.size())) - 1);
  std::nth_element(values.begin(), values.begin() + rank, values.end());
  return values[static_cast<std::size_t>(rank)];
}

}  // namespace

bool BlockSeries::add(const records::Block& block) {
  const auto figures = statistics::block_figures(block.trials);
  if (!figures) return false;
  medians.push_back(figures->median);
  trimmed_means.push_back(figures->trimmed_mean);
  if (const auto found = stolen_of(block.trials)) stolen.push_back(*found);
  if (const auto found = outside_of(block.trials)) outside.push_back(*found);
  if (const auto found = position_of(block.trials)) position.push_back(*found);
  calibrator_ns.push_back(static_cast<double>(block.calibrator_ns));
  add_tail(block);
  return true;
}

void BlockSeries::add_tail(const records::Block& block) {
  for (const Trial& trial : block.trials) {
    if (trial.state != TrialState::kOk) continue;
    tail_ns_[static_cast<std::size_t>(trial.arm)].push_back(static_cast<double>(trial.latency_ns));
  }
  if (++nr_tail_blocks_ < kBlocksPerTail) return;
  tails.push_back({percentile_99(tail_ns_[0]), percentile_99(tail_ns_[1])});
  for (auto& values : tail_ns_) values.clear();
  nr_tail_blocks_ = 0;
}

}  // namespace tlblab
