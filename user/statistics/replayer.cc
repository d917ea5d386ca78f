// SPDX-License-Identifier: GPL-2.0-only
// Sessions of a suite, one after the other.
#include "user/statistics/replayer.hh"

namespace tlblab::statistics {

Replayer::Replayer(const Recording& recording, std::uint64_t seed, std::uint32_t suite)
    : recording_(recording), seed_(seed), suite_(suite) {
  std::seed_seq mix{static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32U),
                    suite};
  random_.seed(mix);
}

SessionOutcome Replayer::next(const Effect& effect, const Method& method,
                              const StoppingRule& rule) {
  const SessionPlan plan{seed_, (std::uint64_t{suite_} << 32U) + nr_done_++,
                         static_cast<std::size_t>(random_() % recording_.latency_ns.size())};
  return replay_session(recording_, plan, effect, method, rule, Criteria{.equivalence = kPlanted});
}

bool covers(const Claim& claim, double truth) {
  return claim.at95.low <= truth && truth <= claim.at95.high;
}

void no_effect(ReplayedTrial& /*trial*/) {}

Effect slower_a(double factor) {
  return [factor](ReplayedTrial& trial) {
    if (trial.arm == Arm::kA) trial.latency_ns *= factor;
  };
}

}  // namespace tlblab::statistics
