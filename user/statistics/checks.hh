// SPDX-License-Identifier: GPL-2.0-only
// Checks: questions whose answer is known, put to thousands of replayed sessions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "user/statistics/replay.hh"

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

/// Sessions that share a kind of replay, and the checks on them.
struct Suite {
  /// Called now and then with the number of sessions done. It may throw to give the suite up.
  using Tick = std::function<void(std::size_t nr_done)>;

  std::string name;
  double cost = 1;  ///< of one session, relative to other suites
  /// At least kSessionsForClaim sessions.
  std::function<std::vector<CheckResult>(const Method&, std::size_t nr_sessions, const Tick&)> run;
};

/// Every suite on one recording, the short sessions first. `recording` must outlive them. The same
/// seed gives the same sessions to every method. Throws Error(kUsage) for a recording that can't be
/// replayed: values that are not positive, too few trials, or too few of them in a session's time.
std::vector<Suite> suites(const Recording& recording, std::uint64_t seed);

}  // namespace tlblab::statistics
