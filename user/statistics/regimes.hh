// SPDX-License-Identifier: GPL-2.0-only
// Regimes: a ratio that jumps between two levels and stays at each for a while, as machines do.
#pragma once

#include <cstddef>
#include <random>
#include <vector>

namespace tlblab::statistics {

/// One session's course of the factor on arm A: 1 in every other regime, kFactor in the others. The
/// session starts at a random moment: the first regime is either one with equal odds, and
/// the dwell times are exponential, so that the time left in the first is distributed like any
/// other.
class Regimes {
 public:
  static constexpr double kFactor = 1.18;

  /// `dwell_s` is the mean time in a regime; `random` is drawn from here only.
  Regimes(double dwell_s, double session_s, std::mt19937_64& random);

  /// The factor at a moment since the session began; times must not go back.
  double operator()(double elapsed_s);

  /// What a session estimates: the log ratio averaged over all time, half of it spent at each
  /// level.
  static double long_run_log_ratio();

 private:
  std::vector<double> switches_s_;  ///< ascending; the last is past every session
  std::size_t next_ = 0;
  bool high_;
};

}  // namespace tlblab::statistics
