// SPDX-License-Identifier: GPL-2.0-only
// One quantity of a cell: a series in each session, and what the sessions say together.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "user/model/interval.hh"
#include "user/statistics/sessions.hh"
#include "user/statistics/verdict.hh"

namespace tlblab {

/// When and how long a session measured, whatever of it is asked.
struct SessionExtent {
  double start_s = 0;  ///< since the epoch
  double seconds = 0;  ///< of measuring
  std::size_t nr_blocks = 0;
  statistics::State state = statistics::State::kWandering;  ///< of the cell's ratio in it
};

class Quantity {
 public:
  /// Values of one session in time order; it may be none.
  void add_session(const SessionExtent& extent, std::span<const double> values);

  /// The estimate of one session; its claim when it stood alone.
  [[nodiscard]] const statistics::SeriesEstimate& session(std::size_t i) const {
    return sessions_.at(i).estimate;
  }
  [[nodiscard]] statistics::Claim claim_of_session(std::size_t i) const;

  /// Over the sessions that count and hold values. One: its own. None: the mean of what there is,
  /// without an interval. Several that speak for themselves only: where each of them excludes 0 on
  /// the same side, the largest of their p-values holds for all of them, which few sessions' t
  /// can't show.
  [[nodiscard]] statistics::Claim claim() const;
  [[nodiscard]] statistics::SessionsEstimate over_sessions() const;
  /// Of the estimate; infinite where no interval is claimed.
  [[nodiscard]] double se() const;
  /// Of the sessions that count: wandering when most are.
  [[nodiscard]] statistics::State state() const;

 private:
  struct OneSession {
    SessionExtent extent;
    statistics::SeriesEstimate estimate;
  };
  /// The only session that counts; null when there are none or several.
  [[nodiscard]] const OneSession* only() const;
  /// Of "in one of these sessions it is 0, or on the other side": 1 unless each excludes that.
  [[nodiscard]] double p_of_each() const;
  [[nodiscard]] static bool counts(const OneSession& session);

  std::vector<OneSession> sessions_;
};

/// The 95 % interval of a claim, as it is and of its exponential.
Interval linear(const statistics::Claim& claim);
Interval exponential(const statistics::Claim& claim);

}  // namespace tlblab
