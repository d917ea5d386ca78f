// SPDX-License-Identifier: GPL-2.0-only
// Draws the sessions of one suite.
#pragma once

#include <cstddef>
#include <cstdint>
#include <random>

#include "user/statistics/replay.hh"

namespace tlblab::statistics {

/// What is planted in most suites, and the bound of equivalence in all.
inline constexpr double kPlanted = 0.05;
inline constexpr double kConfidence = 0.95;
inline constexpr double kSignificant = 0.05;

/// The sessions of one suite: where each starts and how it is labelled depend on the seed, the
/// suite and the session's number alone, never on the method.
class Replayer {
 public:
  Replayer(const Recording& recording, std::uint64_t seed, std::uint32_t suite);

  /// Also the source of a session's effect, when that is random: draw it before the next session.
  std::mt19937_64& random() { return random_; }

  SessionOutcome next(const Effect& effect, const Method& method, const StoppingRule& rule);

 private:
  const Recording& recording_;
  std::uint64_t seed_;
  std::uint32_t suite_;
  std::uint64_t nr_done_ = 0;
  std::mt19937_64 random_;
};

/// Whether a claim's 95 % bounds hold the truth.
bool covers(const Claim& claim, double truth);

/// Leaves every trial as it is.
void no_effect(ReplayedTrial& trial);

/// Multiplies A's latencies by `factor`.
Effect slower_a(double factor);

}  // namespace tlblab::statistics
