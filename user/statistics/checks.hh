// SPDX-License-Identifier: GPL-2.0-only
// Checks: rates with their Monte Carlo error, held against a limit.
#pragma once

#include <cstddef>
#include <string>

namespace tlblab::statistics {

/// A share of runs, with its own uncertainty.
struct Tally {
  std::size_t nr_hits = 0;
  std::size_t nr_runs = 0;

  void add(bool hit) {
    nr_hits += hit ? 1 : 0;
    ++nr_runs;
  }
  [[nodiscard]] double rate() const;
  /// Monte Carlo standard error, from (hits + 2)/(runs + 4), so that no hit at all in few runs is
  /// not taken for certainty.
  [[nodiscard]] double mc_error() const;
};

/// What a rate has to be. Both answers are given "beyond the Monte Carlo error", that is by more
/// than two standard errors: a rate can hold its limit, break it, or be too uncertain to say.
struct Limit {
  enum class Kind { kAtMost, kAtLeast };
  Kind kind = Kind::kAtMost;
  double value = 0;

  [[nodiscard]] bool held(const Tally& tally) const;
  [[nodiscard]] bool broken(const Tally& tally) const;
  [[nodiscard]] std::string text() const;  ///< "at most 5 %"
};

struct CheckResult {
  std::string name;
  double rate = 0;
  double mc_error = 0;
  std::string limit;  ///< what was asked, in words
  bool pass = false;  ///< the limit is held beyond the Monte Carlo error
  /// The limit is broken beyond it: what noticing a mutant takes. With neither pass nor broken,
  /// more replays are needed to say.
  bool broken = false;
  std::string detail;  ///< what was done, and what else was seen
};

/// The result of a limit put to a tally.
CheckResult result(std::string name, const Tally& tally, const Limit& limit, std::string detail);

constexpr Limit at_most(double value) { return {Limit::Kind::kAtMost, value}; }
constexpr Limit at_least(double value) { return {Limit::Kind::kAtLeast, value}; }

}  // namespace tlblab::statistics
