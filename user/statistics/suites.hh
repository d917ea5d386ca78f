// SPDX-License-Identifier: GPL-2.0-only
// Suites: questions whose answer is known, put to thousands of replayed sessions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "user/statistics/checks.hh"
#include "user/statistics/replay.hh"

namespace tlblab::statistics {

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
