// SPDX-License-Identifier: GPL-2.0-only
// From an interval to a word.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "user/model/criteria.hh"
#include "user/statistics/series.hh"

namespace tlblab::statistics {

enum class Verdict { kDifferent, kEquivalent, kInconclusive, kUnstable, kVoid };
std::string_view name(Verdict verdict);

/// What a word is found from: one log ratio, from one session or over several.
struct RatioEvidence {
  /// One session: is_steady(). Several, but too few for a claim: most of them are. From
  /// kSessionsForClaim on always: the spread of session means holds what made one unsteady.
  bool steady = false;
  double low90 = 0;  ///< bounds of the log ratio's 90 % interval
  double high90 = 0;
  double adjusted_p = 1;  ///< of "the log ratio is 0", after Holm
};

/// Whether a session held still: rho <= kRhoUnstable, and exp(h(0.95)) - 1 <= width, with h(c) the
/// half-width of the log ratio at confidence c. False with too few blocks for an interval.
bool is_steady(const SeriesEstimate& log_ratio, double width);

/// The word for one log ratio. The first of these rules that applies, with d =
/// criteria.equivalence:
///
///   1. unstable      if not steady: no finding is claimed, however far from 1 the ratio is,
///                    because the regime that was met may not be the one that comes next. The
///                    interval is still reported.
///   2. equivalent    if the 90 % interval lies inside +-ln(1+d): two one-sided tests at 5 %. This
///                    comes before "different", so that a difference which is certain but lies
///                    wholly inside +-d is called equivalent: d is what the user said matters.
///   3. different     if adjusted_p <= criteria.alpha.
///   4. inconclusive  otherwise.
///
/// Holm adjusts differences only; equivalence is each cell's own claim, at 5 %.
/// Void is never decided here: it comes from controls and responders (report/analysis).
Verdict judge(const RatioEvidence& finding, const Criteria& criteria);
/// The same for a single session.
Verdict judge(const SeriesEstimate& log_ratio, double adjusted_p, const Criteria& criteria);

/// Smallest effect (in the unit of the series: logs, or ns) that an estimate with standard error
/// `se` had 80 % power to see at 5 %: (1.96 + 0.84) SE. Infinite when no interval is claimed.
double smallest_detectable(double se);

/// Holm's step-down adjusted p-values, in the order given: the k-th smallest of m is multiplied by
/// m - k + 1, capped at 1, and never falls below the one before it.
std::vector<double> holm(std::span<const double> p_values);

/// Across separate sessions: t over the session means, no pooling of trials, because what differs
/// from session to session (the regime) is more than any session's own interval knows of.
/// Mean, min and max are NaN with no session; se is infinite with fewer than two.
struct SessionsEstimate {
  std::size_t nr_sessions = 0;
  double mean = 0;  ///< in the unit of the series: logs, or ns
  double se = 0;
  double min = 0;
  double max = 0;
  /// Infinite with fewer than two sessions.
  [[nodiscard]] double half_width(double confidence) const;
  /// Two-sided p-value of "the mean is `null_mean`"; 1 with fewer than two sessions.
  [[nodiscard]] double p_value(double null_mean) const;
};
SessionsEstimate across_sessions(std::span<const double> session_means);

/// Sessions a claim about the machine needs; with fewer, the report says "in this session".
inline constexpr std::size_t kSessionsForClaim = 8;

}  // namespace tlblab::statistics
