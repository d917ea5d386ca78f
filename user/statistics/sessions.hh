// SPDX-License-Identifier: GPL-2.0-only
// Sessions: separate measurements of one thing, and of what they may speak together.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "user/statistics/series.hh"

namespace tlblab::statistics {

/// What one session says of one quantity, and when it said so.
struct Session {
  double mean = 0;     ///< in the unit of the series: logs, or ns
  double start_s = 0;  ///< on any clock that goes on through all sessions and boots
  double seconds = 0;  ///< of measuring
  std::size_t nr_blocks = 0;
};

/// What a session must hold to count. A shorter one is shown and enters nothing: it sees one regime
/// of the machine for a moment, and would weigh as much as the others.
inline constexpr double kMinSessionSeconds = 5;
bool counts(const Session& session);

/// What sessions must be to speak for the machine: this many, none within a minute of the next, and
/// twenty minutes between the first and the last start. Regimes of minutes would otherwise be met
/// by all of them at once.
inline constexpr std::size_t kSessionsForClaim = 8;
inline constexpr double kMinSessionGapSeconds = 60;
inline constexpr double kMinSessionSpanSeconds = 20 * 60;

/// Of what the sessions speak.
enum class Scope {
  kNothing,        ///< none counts
  kThisSession,    ///< one does
  kTheseSessions,  ///< several, but too few or too close together
  kMachine,
};

/// t over the means of the sessions that count, in the order of their starts: no pooling of trials,
/// because what differs from session to session (the regime) is more than any session's own
/// interval knows of. Their lag-1 autocorrelation widens it as in SeriesEstimate: se =
/// s sqrt(phi/n), with n/phi - 1 degrees of freedom, phi at most n/3.
struct SessionsEstimate {
  std::size_t nr_sessions = 0;  ///< that count
  Scope scope = Scope::kNothing;
  double span_s = 0;  ///< from the first start to the last
  double mean = 0;    ///< NaN with no session
  double spread = 0;  ///< s: standard deviation of the means; infinite with fewer than two
  double se = 0;      ///< infinite with fewer than two
  double rho = 0;     ///< corrected; NaN with fewer than three
  double dof = 0;
  double min = 0;  ///< NaN with no session
  double max = 0;
  /// Infinite with fewer than two sessions.
  [[nodiscard]] double half_width(double confidence) const;
  /// Where the next session's mean will lie: t(n - 1) s sqrt(1 + 1/n).
  [[nodiscard]] double prediction_half_width(double confidence) const;
  /// Two-sided p-value of "the mean is `null_mean`"; 1 with fewer than two sessions.
  [[nodiscard]] double p_value(double null_mean) const;
};
SessionsEstimate across_sessions(std::span<const Session> sessions);

/// Sessions that stand in two groups with nothing between them. Their mean is then a value that the
/// machine never shows.
struct Clusters {
  struct Range {
    std::size_t nr_sessions = 0;
    double low = 0;
    double high = 0;
  };
  Range lower;
  Range upper;
};

/// Two clusters, where there are: at least two sessions in each and six in all, the gap between
/// them more than kClusterGap times the longer of their ranges, and more than `smallest` (in the
/// unit of the means), below which nobody would call it a difference.
inline constexpr double kClusterGap = 1.5;
inline constexpr std::size_t kSessionsForClusters = 6;
std::optional<Clusters> clusters(std::span<const double> means, double smallest);

}  // namespace tlblab::statistics
