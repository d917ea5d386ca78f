// SPDX-License-Identifier: GPL-2.0-only
// Blocks: their random order of arms, and their medians.
#include "user/statistics/blocks.hh"

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

namespace tlblab::statistics {

namespace {

constexpr std::uint32_t low(std::uint64_t value) { return static_cast<std::uint32_t>(value); }
constexpr std::uint32_t high(std::uint64_t value) {
  return static_cast<std::uint32_t>(value >> 32U);
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
  static_assert(kQuadsPerBlock == 16, "one random bit per quad, from half a word");
  const std::uint32_t bits = words[0] >> 16U;

  std::array<Arm, kTrialsPerBlock> schedule{};
  for (std::size_t quad = 0; quad < kQuadsPerBlock; ++quad) {
    const bool flipped = ((bits >> quad) & 1U) != 0;
    const Arm outer = flipped ? Arm::kB : Arm::kA;
    const Arm inner = flipped ? Arm::kA : Arm::kB;
    schedule[4 * quad] = schedule[4 * quad + 3] = outer;
    schedule[4 * quad + 1] = schedule[4 * quad + 2] = inner;
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

std::optional<BlockMedians> block_medians(std::span<const Arm> arms,
                                          std::span<const double> latency_ns) {
  std::vector<double> kept[2];
  for (auto& values : kept) values.reserve(kTrialsPerArm);
  for (std::size_t i = 0; i < arms.size(); ++i) {
    kept[static_cast<std::size_t>(arms[i])].push_back(latency_ns[i]);
  }
  for (const auto& values : kept) {
    if (values.size() < kMinTrialsPerArm) return std::nullopt;
  }
  const BlockMedians medians{median_in_place(kept[0]), median_in_place(kept[1])};
  if (!(medians.a > 0 && medians.b > 0)) return std::nullopt;
  return medians;
}

std::optional<BlockMedians> usable_medians(std::span<const Trial> trials) {
  std::vector<Arm> arms;
  std::vector<double> latency_ns;
  for (const Trial& trial : trials) {
    if (trial.state != TrialState::kOk) continue;
    arms.push_back(trial.arm);
    latency_ns.push_back(static_cast<double>(trial.latency_ns));
  }
  return block_medians(arms, latency_ns);
}

std::vector<double> log_ratios(std::span<const BlockMedians> blocks) {
  std::vector<double> values;
  values.reserve(blocks.size());
  for (const BlockMedians& block : blocks) values.push_back(log_ratio(block));
  return values;
}

double log_ratio(const BlockMedians& block) { return std::log(block.a / block.b); }

std::vector<double> differences(std::span<const BlockMedians> blocks) {
  std::vector<double> values;
  values.reserve(blocks.size());
  for (const BlockMedians& block : blocks) values.push_back(block.a - block.b);
  return values;
}

}  // namespace tlblab::statistics
