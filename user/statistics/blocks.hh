// SPDX-License-Identifier: GPL-2.0-only
// Blocks: the unit of analysis. Four quads, each randomly ABBA or BAAB in runs of five trials.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "user/model/arm.hh"
#include "user/model/trial.hh"

namespace tlblab::statistics {

/// For its block to count, an arm must keep this share of its measured trials after those set apart
/// have gone, and no fewer than kMinTrialsPerArm of them.
inline constexpr double kMinKeptShare = 0.75;
inline constexpr std::size_t kMinTrialsPerArm = 6;

/// The order of arms in one block, lead-ins included. Depends on (seed, cell, session, block)
/// alone, so that a resumed run continues the schedule that it was started with.
std::array<Arm, kTrialsPerBlock> block_schedule(std::uint64_t seed, std::uint64_t cell,
                                                std::uint64_t session, std::uint64_t block);

/// A trial that does not lead in.
struct Measured {
  Arm arm = Arm::kA;
  double latency_ns = 0;  ///< or any other unit
  bool apart = false;     ///< it was set apart: it counts as tried, its value does not enter
};

/// One positive figure of each arm.
struct ArmPair {
  double a = 0;
  double b = 0;
};

/// What one block says of each arm.
struct BlockFigures {
  ArmPair median;
  /// Of all but the lowest and the highest tenth: what an arm costs that is slow in a part of its
  /// calls, without the machine's rare long stops.
  ArmPair trimmed_mean;
};

/// Median, the mean of the middle two for an even count. Reorders `values`; NaN when empty.
double median_in_place(std::span<double> values);

/// The figures of one block. Empty, so that the block does not count, when an arm kept too few
/// trials, or when a median is not positive (the operation took no longer than an empty window, so
/// there is no ratio).
std::optional<BlockFigures> block_figures(std::span<const Measured> trials);

/// The same from recorded trials, lead-ins among them. Used while measuring and while reporting, so
/// that both count the same blocks.
std::optional<BlockFigures> block_figures(std::span<const Trial> trials);

/// ln(a/b): what one block says of the ratio.
double log_ratio(const ArmPair& pair);

/// ln(a/b) and a - b per block, in time order.
std::vector<double> log_ratios(std::span<const ArmPair> pairs);
std::vector<double> differences(std::span<const ArmPair> pairs);

}  // namespace tlblab::statistics
