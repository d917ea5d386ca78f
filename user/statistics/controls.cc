// SPDX-License-Identifier: GPL-2.0-only
// Claims against their controls.
#include "user/statistics/controls.hh"

#include <algorithm>
#include <cmath>
#include <limits>

namespace tlblab::statistics {

double farthest_stray(std::span<const Claim> controls) {
  double stray = 0;
  for (const Claim& control : controls) {
    stray = std::max({stray, std::abs(control.at95.low), std::abs(control.at95.high)});
  }
  return stray;
}

double claimed_effect(Verdict verdict, const Claim& claim, const Criteria& criteria) {
  if (verdict == Verdict::kDifferent) return std::abs(claim.estimate);
  if (verdict == Verdict::kEquivalent) return std::log1p(criteria.equivalence);
  return std::numeric_limits<double>::infinity();
}

bool stands(Verdict verdict, const Evidence& evidence, double stray, double smallest,
            const Criteria& criteria) {
  if (stray <= kControlShare * smallest) return true;
  if (verdict == Verdict::kDifferent) {
    const Claim::Bounds& bounds = evidence.typical.at95;
    return bounds.low > stray || bounds.high < -stray;
  }
  if (verdict == Verdict::kEquivalent) {
    const double limit = std::log1p(criteria.equivalence) - stray;
    const auto inside = [limit](const Claim& claim) {
      return claim.at90.low > -limit && claim.at90.high < limit;
    };
    return inside(evidence.typical) && (!evidence.mean || inside(*evidence.mean));
  }
  return true;
}

}  // namespace tlblab::statistics
