// SPDX-License-Identifier: GPL-2.0-only
// Blocks: their random order of arms, and their medians.
#include "user/statistics/blocks.hh"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>

namespace tlblab::statistics {

namespace {

constexpr std::uint32_t low(std::uint64_t value) { return static_cast<std::uint32_t>(value); }
constexpr std::uint32_t high(std::uint64_t value) {
  return static_cast<std::uint32_t>(value >> 32U);
}

/// What is left out of a trimmed mean at either end.
constexpr double kTrimmedShare = 0.1;

double median_of_sorted(std::span<const double> sorted) {
  const std::size_t middle = sorted.size() / 2;
  return sorted.size() % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

double trimmed_mean_of_sorted(std::span<const double> sorted) {
  const auto cut = static_cast<std::size_t>(kTrimmedShare * static_cast<double>(sorted.size()));
  const auto kept = sorted.subspan(cut, sorted.size() - 2 * cut);
  return std::accumulate(kept.begin(), kept.end(), 0.0) / static_cast<double>(kept.size());
}

}  // namespace

std::array<Arm, kTrialsPerBlock> block_schedule(std::uint64_t seed, std::uint64_t cell,
                                                std::uint64_t session, std::uint64_t block) {
  // The C++ standard fixes seed_seq's arithmetic, so the same schedule comes out on every machine.
  // Its mixed words are used as they are: a generator seeded from them would cost more than a whole
  // block's replay. The upper half of a word is taken because multiplication carries upwards.
  std::seed_seq mix{low(seed),    high(seed),    low(cell),  high(cell),
                    low(session), high(session), low(block), high(block)};
  std::array<std::uint32_t, 8> words{};
  mix.generate(words.begin(), words.end());
  static_assert(kQuadsPerBlock <= 16, "one random bit per quad, from half a word");
  const std::uint32_t bits = words[0] >> 16U;

  std::array<Arm, kTrialsPerBlock> schedule{};
  for (std::size_t i = 0; i < schedule.size(); ++i) {
    const std::size_t run = i / kTrialsPerRun;
    const std::size_t quad = run / kRunsPerQuad;
    const std::size_t in_quad = run % kRunsPerQuad;
    const bool outer = in_quad == 0 || in_quad == kRunsPerQuad - 1;
    const bool flipped = ((bits >> quad) & 1U) != 0;
    schedule[i] = outer != flipped ? Arm::kA : Arm::kB;
  }
  return schedule;
}

double median_in_place(std::span<double> values) {
  if (values.empty()) return std::numeric_limits<double>::quiet_NaN();
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  if (values.size() % 2 == 1) return *middle;
  return (*std::max_element(values.begin(), middle) + *middle) / 2;
}

std::optional<BlockFigures> block_figures(std::span<const Measured> trials) {
  std::array<std::vector<double>, 2> kept;
  std::array<std::size_t, 2> nr_tried{};
  for (auto& values : kept) values.reserve(kMeasuredPerBlock / 2);
  for (const Measured& trial : trials) {
    const auto arm = static_cast<std::size_t>(trial.arm);
    ++nr_tried[arm];
    if (!trial.apart) kept[arm].push_back(trial.latency_ns);
  }
  for (std::size_t arm = 0; arm < kept.size(); ++arm) {
    const std::size_t nr_kept = kept[arm].size();
    if (nr_kept < kMinTrialsPerArm ||
        static_cast<double>(nr_kept) < kMinKeptShare * static_cast<double>(nr_tried[arm])) {
      return std::nullopt;
    }
  }
  for (auto& values : kept) std::sort(values.begin(), values.end());
  const BlockFigures figures{{median_of_sorted(kept[0]), median_of_sorted(kept[1])},
                             {trimmed_mean_of_sorted(kept[0]), trimmed_mean_of_sorted(kept[1])}};
  if (!(figures.median.a > 0 && figures.median.b > 0)) return std::nullopt;
  return figures;
}

std::optional<BlockFigures> block_figures(std::span<const Trial> trials) {
  std::vector<Measured> measured;
  measured.reserve(trials.size());
  for (const Trial& trial : trials) {
    if (trial.state == TrialState::kLeadIn) continue;
    measured.push_back(
        {trial.arm, static_cast<double>(trial.latency_ns), trial.state != TrialState::kOk});
  }
  return block_figures(measured);
}

double log_ratio(const ArmPair& pair) { return std::log(pair.a / pair.b); }

std::vector<double> log_ratios(std::span<const ArmPair> pairs) {
  std::vector<double> values;
  values.reserve(pairs.size());
  for (const ArmPair& pair : pairs) values.push_back(log_ratio(pair));
  return values;
}

std::vector<double> differences(std::span<const ArmPair> pairs) {
  std::vector<double> values;
  values.reserve(pairs.size());
  for (const ArmPair& pair : pairs) values.push_back(pair.a - pair.b);
  return values;
}

}  // namespace tlblab::statistics
