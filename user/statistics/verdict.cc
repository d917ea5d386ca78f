// SPDX-License-Identifier: GPL-2.0-only
// From an interval to a word; adjustments for many p-values and many sessions.
#include "user/statistics/verdict.hh"

#include <algorithm>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>
#include <limits>
#include <numeric>

namespace tlblab::statistics {

std::string_view name(Verdict verdict) {
  switch (verdict) {
    case Verdict::kDifferent:
      return "different";
    case Verdict::kEquivalent:
      return "equivalent";
    case Verdict::kInconclusive:
      return "inconclusive";
    case Verdict::kUnstable:
      return "unstable";
    case Verdict::kVoid:
      return "void";
  }
  return "unknown";
}

bool is_steady(const SeriesEstimate& log_ratio, double width) {
  // Compared this way round, a NaN is unsteady, never a finding.
  return log_ratio.rho <= kRhoUnstable && relative_half_width(log_ratio, 0.95) <= width;
}

Verdict judge(const RatioEvidence& finding, const Criteria& criteria) {
  const double bound = std::log1p(criteria.equivalence);
  if (!finding.steady) return Verdict::kUnstable;
  if (finding.low90 > -bound && finding.high90 < bound) return Verdict::kEquivalent;
  if (finding.adjusted_p <= criteria.alpha) return Verdict::kDifferent;
  return Verdict::kInconclusive;
}

Verdict judge(const SeriesEstimate& log_ratio, double adjusted_p, const Criteria& criteria) {
  const double half_width = log_ratio.half_width(0.90);
  return judge({is_steady(log_ratio, criteria.width), log_ratio.mean - half_width,
                log_ratio.mean + half_width, adjusted_p},
               criteria);
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

SessionsEstimate across_sessions(std::span<const double> session_means) {
  SessionsEstimate estimate;
  estimate.nr_sessions = session_means.size();
  if (session_means.empty()) {
    estimate.mean = estimate.min = estimate.max = std::numeric_limits<double>::quiet_NaN();
    estimate.se = std::numeric_limits<double>::infinity();
    return estimate;
  }
  const auto n = static_cast<double>(session_means.size());
  const auto [min, max] = std::minmax_element(session_means.begin(), session_means.end());
  estimate.min = *min;
  estimate.max = *max;
  estimate.mean = std::accumulate(session_means.begin(), session_means.end(), 0.0) / n;
  double sum_of_squares = 0;
  for (const double value : session_means) {
    sum_of_squares += (value - estimate.mean) * (value - estimate.mean);
  }
  estimate.se = session_means.size() < 2 ? std::numeric_limits<double>::infinity()
                                         : std::sqrt(sum_of_squares / (n - 1) / n);
  return estimate;
}

double SessionsEstimate::half_width(double confidence) const {
  if (nr_sessions < 2) return std::numeric_limits<double>::infinity();
  const boost::math::students_t t(static_cast<double>(nr_sessions - 1));
  return boost::math::quantile(boost::math::complement(t, (1 - confidence) / 2)) * se;
}

double SessionsEstimate::p_value(double null_mean) const {
  if (nr_sessions < 2) return 1;
  const double distance = std::abs(mean - null_mean);
  if (se == 0) return distance == 0 ? 1 : 0;
  const boost::math::students_t t(static_cast<double>(nr_sessions - 1));
  return 2 * boost::math::cdf(boost::math::complement(t, distance / se));
}

}  // namespace tlblab::statistics
