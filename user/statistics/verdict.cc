// SPDX-License-Identifier: GPL-2.0-only
// From an interval to a word; adjustments for many p-values.
#include "user/statistics/verdict.hh"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace tlblab::statistics {
namespace {

Claim::Bounds around(double middle, double half_width) {
  return {middle - half_width, middle + half_width};
}

Claim::Bounds reaching(const Claim::Bounds& bounds, double low, double high) {
  return {std::min(bounds.low, low), std::max(bounds.high, high)};
}

bool inside(const Claim::Bounds& bounds, double limit) {
  return bounds.low > -limit && bounds.high < limit;
}

}  // namespace

std::string_view name(Verdict verdict) {
  switch (verdict) {
    case Verdict::kDifferent:
      return "different";
    case Verdict::kEquivalent:
      return "equivalent";
    case Verdict::kInconclusive:
      return "inconclusive";
    case Verdict::kVoid:
      return "void";
  }
  return "unknown";
}

std::string_view name(State state) { return state == State::kSteady ? "steady" : "wandering"; }

State state_of(const SeriesEstimate& log_ratio, double width) {
  // Compared this way round, a NaN wanders.
  return log_ratio.rho <= kRhoWandering && relative_half_width(log_ratio, 0.95) <= width
             ? State::kSteady
             : State::kWandering;
}

Claim claim_of(const SeriesEstimate& log_ratio, State state) {
  Claim claim{log_ratio.mean, around(log_ratio.mean, log_ratio.half_width(0.95)),
              around(log_ratio.mean, log_ratio.half_width(0.90)), log_ratio.p_value(0)};
  if (state == State::kWandering) {
    claim.at95 = reaching(claim.at95, log_ratio.batch_low, log_ratio.batch_high);
    claim.at90 = claim.at95;
  }
  return claim;
}

Claim claim_of(const SessionsEstimate& log_ratio, State state) {
  Claim claim{log_ratio.mean, around(log_ratio.mean, log_ratio.half_width(0.95)),
              around(log_ratio.mean, log_ratio.half_width(0.90)), log_ratio.p_value(0)};
  if (state == State::kWandering && log_ratio.scope != Scope::kMachine) {
    claim.at95 = reaching(claim.at95, log_ratio.min, log_ratio.max);
    claim.at90 = reaching(claim.at90, log_ratio.min, log_ratio.max);
  }
  return claim;
}

Verdict judge(const Evidence& evidence, const Criteria& criteria) {
  const double limit = std::log1p(criteria.equivalence);
  if (inside(evidence.typical.at90, limit)) {
    return !evidence.mean || inside(evidence.mean->at90, limit) ? Verdict::kEquivalent
                                                                : Verdict::kInconclusive;
  }
  const Claim::Bounds& shown = evidence.typical.at95;
  const bool excludes_one = shown.low > 0 || shown.high < 0;
  if (evidence.adjusted_p <= criteria.alpha && excludes_one) return Verdict::kDifferent;
  return Verdict::kInconclusive;
}

bool apart_voids(const std::array<double, 2>& apart_share, double log_ratio) {
  if (std::max(apart_share[0], apart_share[1]) > kMaxApartShare) return true;
  const std::size_t longer = log_ratio > 0 ? 0 : 1;
  const double shorts = apart_share[1 - longer];
  const double longs = apart_share[longer];
  const double times = std::isfinite(log_ratio) ? std::exp(std::abs(log_ratio)) : 1;
  const double explained = 1 - std::pow(1 - shorts, times);
  return longs - explained > kMaxApartDifference || shorts - longs > kMaxApartDifference;
}

double smallest_detectable(double se) { return (1.96 + 0.84) * se; }

std::vector<double> holm(std::span<const double> p_values) {
  std::vector<std::size_t> order(p_values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return p_values[a] < p_values[b]; });
  std::vector<double> adjusted(p_values.size());
  double running = 0;
  std::size_t nr_left = p_values.size();
  for (const std::size_t i : order) {
    running = std::max(running, std::min(1.0, static_cast<double>(nr_left--) * p_values[i]));
    adjusted[i] = running;
  }
  return adjusted;
}

}  // namespace tlblab::statistics
