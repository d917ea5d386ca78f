// SPDX-License-Identifier: GPL-2.0-only
// Regimes: a ratio that jumps between two levels and stays at each for a while, as machines do.
#pragma once

#include <cstddef>
#include <random>
#include <vector>

namespace tlblab::statistics {

/// The course of the factor on arm A: kLevel in every other regime, 1/kLevel in the others, so that
/// over all time its logarithm is 0. It starts at a random moment: the first regime is either one
/// with equal odds, and the dwell times are exponential, so that the time left in the first is
/// distributed like any other.
class Regimes {
 public:
  static constexpr double kLevel = 1.09;

  /// `dwell_s` is the mean time in a regime; `length_s` how long it must last; `random` is drawn
  /// from here only.
  Regimes(double dwell_s, double length_s, std::mt19937_64& random);

  /// The factor at a moment since it began; times must not go back.
  double operator()(double elapsed_s);

 private:
  std::vector<double> switches_s_;  ///< ascending; the last is past the end
  std::size_t next_ = 0;
  bool high_;
};

}  // namespace tlblab::statistics
