// SPDX-License-Identifier: GPL-2.0-only
// Sessions to one estimate.
#include "user/statistics/sessions.hh"

#include <algorithm>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>
#include <limits>
#include <numeric>

namespace tlblab::statistics {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

/// However much sessions resemble their neighbours, so many of them are taken as independent. With
/// fewer, Student's t makes the mean's interval wider than that of the next session.
constexpr double kMinIndependent = 3;

double two_sided_t(double dof, double confidence) {
  const boost::math::students_t t(dof);
  return boost::math::quantile(boost::math::complement(t, (1 - confidence) / 2));
}

Scope scope_of(std::span<const Session> in_order) {
  if (in_order.empty()) return Scope::kNothing;
  if (in_order.size() == 1) return Scope::kThisSession;
  const auto too_close = [](const Session& before, const Session& after) {
    return after.start_s - before.start_s < kMinSessionGapSeconds;
  };
  const bool apart =
      std::adjacent_find(in_order.begin(), in_order.end(), too_close) == in_order.end();
  const double span_s = in_order.back().start_s - in_order.front().start_s;
  return in_order.size() >= kSessionsForClaim && apart && span_s >= kMinSessionSpanSeconds
             ? Scope::kMachine
             : Scope::kTheseSessions;
}

}  // namespace

bool counts(const Session& session) {
  return session.nr_blocks >= kMinBlocks && session.seconds >= kMinSessionSeconds;
}

SessionsEstimate across_sessions(std::span<const Session> sessions) {
  std::vector<Session> kept;
  std::copy_if(sessions.begin(), sessions.end(), std::back_inserter(kept), counts);
  std::stable_sort(kept.begin(), kept.end(), [](const Session& left, const Session& right) {
    return left.start_s < right.start_s;
  });
  std::vector<double> means(kept.size());
  std::transform(kept.begin(), kept.end(), means.begin(),
                 [](const Session& session) { return session.mean; });

  SessionsEstimate estimate;
  estimate.nr_sessions = kept.size();
  estimate.scope = scope_of(kept);
  estimate.spread = estimate.se = kInfinity;
  estimate.mean = estimate.min = estimate.max = estimate.rho = kNaN;
  if (kept.empty()) return estimate;
  const auto n = static_cast<double>(means.size());
  const auto [min, max] = std::minmax_element(means.begin(), means.end());
  estimate.span_s = kept.back().start_s - kept.front().start_s;
  estimate.min = *min;
  estimate.max = *max;
  estimate.mean = std::accumulate(means.begin(), means.end(), 0.0) / n;
  if (means.size() < 2) return estimate;

  double sum_of_squares = 0;
  for (const double value : means) {
    sum_of_squares += (value - estimate.mean) * (value - estimate.mean);
  }
  estimate.spread = std::sqrt(sum_of_squares / (n - 1));
  double phi = 1;
  if (means.size() > 2) {
    estimate.rho = lag1_correlation(means);
    phi = std::min(variance_inflation(estimate.rho), std::max(1.0, n / kMinIndependent));
  }
  estimate.se = estimate.spread * std::sqrt(phi / n);
  estimate.dof = n / phi - 1;
  return estimate;
}

double SessionsEstimate::half_width(double confidence) const {
  return nr_sessions < 2 ? kInfinity : two_sided_t(dof, confidence) * se;
}

double SessionsEstimate::prediction_half_width(double confidence) const {
  if (nr_sessions < 2) return kInfinity;
  const auto n = static_cast<double>(nr_sessions);
  return two_sided_t(n - 1, confidence) * spread * std::sqrt(1 + 1 / n);
}

double SessionsEstimate::p_value(double null_mean) const {
  if (nr_sessions < 2) return 1;
  const double distance = std::abs(mean - null_mean);
  if (se == 0) return distance == 0 ? 1 : 0;
  const boost::math::students_t t(dof);
  return 2 * boost::math::cdf(boost::math::complement(t, distance / se));
}

std::optional<Clusters> clusters(std::span<const double> means, double smallest) {
  if (means.size() < kSessionsForClusters) return std::nullopt;
  std::vector<double> sorted(means.begin(), means.end());
  std::sort(sorted.begin(), sorted.end());
  std::size_t widest = 0;  // the upper cluster begins there
  double widest_gap = 0;
  for (std::size_t i = 2; i + 2 <= sorted.size(); ++i) {
    const double gap = sorted[i] - sorted[i - 1];
    if (gap > widest_gap) {
      widest_gap = gap;
      widest = i;
    }
  }
  const Clusters found{{widest, sorted.front(), sorted[std::max<std::size_t>(widest, 1) - 1]},
                       {sorted.size() - widest, sorted[widest], sorted.back()}};
  const double range =
      std::max(found.lower.high - found.lower.low, found.upper.high - found.upper.low);
  if (widest_gap <= smallest || widest_gap <= kClusterGap * range) return std::nullopt;
  return found;
}

}  // namespace tlblab::statistics
