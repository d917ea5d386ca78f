// SPDX-License-Identifier: GPL-2.0-only
// The self-test: does the production analysis tell the truth on replays, and would a bug show?
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

#include "user/statistics/mutants.hh"
#include "user/statistics/replay.hh"
#include "user/statistics/suites.hh"

namespace tlblab::statistics {

/// Fewer sessions than this show nothing of rates of some percent.
inline constexpr std::size_t kMinReplays = 400;

struct SelftestOptions {
  std::uint64_t seed = 1;
  /// Sessions per check; a mutant gets a quarter. Below some thousand, a rate of 3 % is too
  /// uncertain to be below 5 % beyond its Monte Carlo error, and the self-test fails for want of
  /// evidence. Its time grows with this and with the recording's trials per second.
  std::size_t nr_replays = 4000;
  /// The bugs that must be noticed.
  std::vector<Mutant> bugs = mutants();
};

/// Told what is being done and the share of all work done, 0 to 1. It may throw to give up.
using Progress = std::function<void(std::string_view step, double fraction)>;

/// Runs every suite with the production method, then with each mutant until a check is broken. One
/// result per check and one per mutant ("mutant <name>"): its rate is that of the check that
/// noticed it, NaN when none did, which fails. All is well when every result passes. Same
/// recording, same options: same results. Throws Error(kUsage) as suites() does, and for fewer than
/// kMinReplays.
std::vector<CheckResult> run_selftest(const Recording& recording, const SelftestOptions& options,
                                      const Progress& progress);

}  // namespace tlblab::statistics
