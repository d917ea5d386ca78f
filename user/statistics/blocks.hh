// SPDX-License-Identifier: GPL-2.0-only
// Blocks: the unit of analysis. 16 quads, each randomly ABBA or BAAB, 64 trials in all.
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

/// Trials an arm must keep, after setting trials apart, for its block to count.
inline constexpr std::size_t kMinTrialsPerArm = 24;

/// The order of arms in one block. Depends on (seed, cell, session, block) alone, so that a resumed
/// run continues the schedule that it was started with.
std::array<Arm, kTrialsPerBlock> block_schedule(std::uint64_t seed, std::uint64_t cell,
                                                std::uint64_t session, std::uint64_t block);

/// Per-arm medians of one block, in ns (or any positive unit). Both are positive.
struct BlockMedians {
  double a = 0;
  double b = 0;
};

/// Median, the mean of the middle two for an even count. Reorders `values`; NaN when empty.
double median_in_place(std::span<double> values);

/// The medians of one block from those of its trials that count: arms[i] is the arm of the trial
/// that took latency_ns[i]. The caller leaves set-apart trials out. Empty, so that the block does
/// not count, when an arm kept fewer than kMinTrialsPerArm trials, or when a median is not positive
/// (the operation took no longer than an empty window, so there is no ratio).
std::optional<BlockMedians> block_medians(std::span<const Arm> arms,
                                          std::span<const double> latency_ns);

/// block_medians() of the trials that were not set apart. Used while measuring and while reporting,
/// so that both count the same blocks.
std::optional<BlockMedians> usable_medians(std::span<const Trial> trials);

/// ln(a/b): what one block says of the ratio.
double log_ratio(const BlockMedians& block);

/// ln(a/b) and a - b per block, in time order.
std::vector<double> log_ratios(std::span<const BlockMedians> blocks);
std::vector<double> differences(std::span<const BlockMedians> blocks);

}  // namespace tlblab::statistics
