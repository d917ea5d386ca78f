// SPDX-License-Identifier: GPL-2.0-only
// Regimes by inverse transform: the library's distributions differ from platform to platform.
#include "user/statistics/regimes.hh"

#include <cmath>
#include <limits>

namespace tlblab::statistics {

namespace {

/// In (0, 1]; its logarithm is finite.
double unit_interval(std::mt19937_64& random) {
  return static_cast<double>((random() >> 11U) + 1) * 0x1p-53;
}

}  // namespace

Regimes::Regimes(double dwell_s, double length_s, std::mt19937_64& random)
    : high_((random() & 1U) != 0) {
  double at_s = 0;
  do {
    at_s -= dwell_s * std::log(unit_interval(random));
    switches_s_.push_back(at_s);
  } while (at_s <= length_s);
  switches_s_.push_back(std::numeric_limits<double>::infinity());
}

double Regimes::operator()(double elapsed_s) {
  while (elapsed_s >= switches_s_[next_]) {
    high_ = !high_;
    ++next_;
  }
  return high_ ? kLevel : 1 / kLevel;
}

}  // namespace tlblab::statistics
