// SPDX-License-Identifier: GPL-2.0-only
// Clopper-Pearson bounds.
#include "user/statistics/bounds.hh"

#include <boost/math/distributions/binomial.hpp>

namespace tlblab::statistics {
namespace {

using Binomial = boost::math::binomial_distribution<double>;
constexpr double kTail = 0.05;

}  // namespace

double upper_bound_95(std::uint64_t k, std::uint64_t n) {
  if (k >= n) return 1;
  return Binomial::find_upper_bound_on_p(static_cast<double>(n), static_cast<double>(k), kTail);
}

double lower_bound_95(std::uint64_t k, std::uint64_t n) {
  if (n == 0 || k == 0) return 0;
  return Binomial::find_lower_bound_on_p(static_cast<double>(n), static_cast<double>(k), kTail);
}

}  // namespace tlblab::statistics
