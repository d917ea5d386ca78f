// SPDX-License-Identifier: GPL-2.0-only
// Sessions' series to one claim.
#include "user/analysis/quantity.hh"

#include <algorithm>
#include <cmath>
#include <limits>

namespace tlblab {

using statistics::Claim;
using statistics::State;

void Quantity::add_session(const SessionExtent& extent, std::span<const double> values) {
  sessions_.push_back({extent, statistics::estimate_series(values)});
}

Claim Quantity::claim_of_session(std::size_t i) const {
  const OneSession& session = sessions_.at(i);
  return statistics::claim_of(session.estimate, session.extent.state);
}

bool Quantity::counts(const OneSession& session) {
  const SessionExtent& extent = session.extent;
  return statistics::counts({0, extent.start_s, extent.seconds, extent.nr_blocks}) &&
         session.estimate.nr_values > 0;
}

const Quantity::OneSession* Quantity::only() const {
  if (std::count_if(sessions_.begin(), sessions_.end(), counts) != 1) return nullptr;
  return &*std::find_if(sessions_.begin(), sessions_.end(), counts);
}

statistics::SessionsEstimate Quantity::over_sessions() const {
  std::vector<statistics::Session> sessions;
  for (const OneSession& session : sessions_) {
    if (session.estimate.nr_values == 0) continue;
    const SessionExtent& extent = session.extent;
    sessions.push_back({session.estimate.mean, extent.start_s, extent.seconds, extent.nr_blocks});
  }
  return statistics::across_sessions(sessions);
}

Claim Quantity::claim() const {
  if (const OneSession* session = only()) {
    return statistics::claim_of(session->estimate, session->extent.state);
  }
  const statistics::SessionsEstimate all = over_sessions();
  if (all.nr_sessions > 0) {
    Claim claim = statistics::claim_of(all, state());
    if (all.scope == statistics::Scope::kTheseSessions) {
      claim.p_value = std::min(claim.p_value, p_of_each());
    }
    return claim;
  }
  Claim claim;
  double sum = 0;
  double nr_values = 0;
  for (const OneSession& session : sessions_) {
    if (session.estimate.nr_values == 0) continue;
    const auto n = static_cast<double>(session.estimate.nr_values);
    sum += n * session.estimate.mean;
    nr_values += n;
  }
  claim.estimate = nr_values > 0 ? sum / nr_values : std::numeric_limits<double>::quiet_NaN();
  return claim;
}

double Quantity::p_of_each() const {
  double largest = 0;
  std::size_t nr_above = 0;
  std::size_t nr_sessions = 0;
  for (const OneSession& session : sessions_) {
    if (!counts(session)) continue;
    const Claim claim = statistics::claim_of(session.estimate, session.extent.state);
    if (claim.at95.low <= 0 && claim.at95.high >= 0) return 1;
    largest = std::max(largest, claim.p_value);
    ++nr_sessions;
    if (claim.estimate > 0) ++nr_above;
  }
  return nr_above == 0 || nr_above == nr_sessions ? largest : 1;
}

double Quantity::se() const {
  const OneSession* session = only();
  return session != nullptr ? session->estimate.se : over_sessions().se;
}

State Quantity::state() const {
  std::size_t nr_sessions = 0;
  std::size_t nr_wandering = 0;
  for (const OneSession& session : sessions_) {
    if (!counts(session)) continue;
    ++nr_sessions;
    if (session.extent.state == State::kWandering) ++nr_wandering;
  }
  return nr_sessions > 0 && 2 * nr_wandering < nr_sessions ? State::kSteady : State::kWandering;
}

Interval linear(const Claim& claim) { return {claim.estimate, claim.at95.low, claim.at95.high}; }

Interval exponential(const Claim& claim) {
  return {std::exp(claim.estimate), std::exp(claim.at95.low), std::exp(claim.at95.high)};
}

}  // namespace tlblab
