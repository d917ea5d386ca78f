// SPDX-License-Identifier: GPL-2.0-only
// From an interval to a word, and adjustments for many p-values.
#pragma once

#include <array>
#include <limits>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "user/model/criteria.hh"
#include "user/statistics/series.hh"
#include "user/statistics/sessions.hh"

namespace tlblab::statistics {

/// What is found of a ratio.
enum class Verdict { kDifferent, kEquivalent, kInconclusive, kVoid };
std::string_view name(Verdict verdict);

/// Whether the ratio held still. It is a state of the machine and no finding: what wanders gets a
/// wider interval, from which its word is taken like any other.
enum class State { kSteady, kWandering };
std::string_view name(State state);

/// Wandering if rho > kRhoWandering, or exp(h(0.95)) - 1 > width, with h(c) the half-width of the
/// log ratio at confidence c, or if too few blocks make no interval.
State state_of(const SeriesEstimate& log_ratio, double width);

/// What is claimed of one log ratio.
struct Claim {
  struct Bounds {
    double low = -std::numeric_limits<double>::infinity();
    double high = std::numeric_limits<double>::infinity();
  };
  double estimate = 0;
  Bounds at95;         ///< shown, and asked whether it excludes 0
  Bounds at90;         ///< asked whether it lies inside the bounds of equivalence
  double p_value = 1;  ///< of "the log ratio is 0", not adjusted
};

/// Of one session. A wandering one's bounds, both of them, are the range of its batch means or the
/// 95 % interval, whichever reaches further on either side.
Claim claim_of(const SeriesEstimate& log_ratio, State state);
/// Of several sessions. While they can't speak for the machine and most of them wander, their
/// bounds reach at least from the lowest session's mean to the highest's.
Claim claim_of(const SessionsEstimate& log_ratio, State state);

/// What a word is found from.
struct Evidence {
  Claim typical;              ///< the ratio of medians
  std::optional<Claim> mean;  ///< the ratio of trimmed means; absent: not known
  double adjusted_p = 1;      ///< of the typical ratio, after Holm over the study
};

/// The word for one cell. The first of these rules that applies, with d = criteria.equivalence:
///
///   1. equivalent    if the 90 % bounds of the typical ratio *and* of the mean's lie inside
///                    +-ln(1+d): two one-sided tests at 5 % each. This comes before "different", so
///                    that a difference which is certain but lies wholly inside +-d is called
///                    equivalent: d is what the user said matters.
///   2. inconclusive  if only the typical ratio's do: a difference of typical calls would be too
///                    small to matter, and what the mean says is not settled.
///   3. different     if adjusted_p <= criteria.alpha and the typical ratio's bounds exclude 1. It
///                    says that there is a difference, not that it is larger than d.
///   4. inconclusive  otherwise.
///
/// Holm adjusts differences only; equivalence is each cell's own claim, at 5 %. Void is not decided
/// here: it comes from controls, responders and accounts.
Verdict judge(const Evidence& evidence, const Criteria& criteria);

/// The share of an arm's measured trials that may be set apart, and how much more of one arm than
/// the other explains, past which a cell is void: what was set apart is then a part of what the arm
/// does.
inline constexpr double kMaxApartShare = 0.25;
inline constexpr double kMaxApartDifference = 0.05;
/// Shares by arm. `log_ratio` is that of their lengths: what takes CPUs away meets a window r times
/// as long with probability 1 - (1 - p)^r, where it meets the shorter one with p. That much of the
/// longer arm is explained by the shorter one's share.
bool apart_voids(const std::array<double, 2>& apart_share, double log_ratio);

/// Smallest effect (in the unit of the series: logs, or ns) that an estimate with standard error
/// `se` had 80 % power to see at 5 %: (1.96 + 0.84) SE. Infinite when no interval is claimed.
double smallest_detectable(double se);

/// Holm's step-down adjusted p-values, in the order given: the k-th smallest of m is multiplied by
/// m - k + 1, capped at 1, and never falls below the one before it.
std::vector<double> holm(std::span<const double> p_values);

}  // namespace tlblab::statistics
