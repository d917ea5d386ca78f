// SPDX-License-Identifier: GPL-2.0-only
// Replay: one session on relabelled trials.
#include "user/statistics/replay.hh"

#include <array>

namespace tlblab::statistics {

Method::Stopping Method::production_stopping(const StoppingRule& rule) {
  return [stopper = Stopper(rule)](std::size_t nr_blocks, double elapsed_s,
                                   const Estimate& estimate) mutable {
    return stopper.after_block(nr_blocks, elapsed_s, estimate);
  };
}

Verdict Method::production_verdict(const SeriesEstimate& log_ratio, double adjusted_p,
                                   const Criteria& criteria) {
  return judge(log_ratio, adjusted_p, criteria);
}

SessionOutcome replay_session(const Recording& recording, const SessionPlan& plan,
                              const Effect& effect, const Method& method, const StoppingRule& rule,
                              const Criteria& criteria) {
  const double trial_s = 1 / recording.trials_per_second;
  std::vector<double> log_ratios_so_far;
  const Method::Estimate estimate = [&] { return method.estimate(log_ratios_so_far); };
  const Method::Stopping stopping = method.stopping(rule);

  SessionOutcome outcome;
  std::size_t at = plan.start;
  std::array<double, kTrialsPerBlock> latency_ns{};
  for (std::size_t block = 0; outcome.stopped == StopReason::kContinue; ++block) {
    const auto arms = block_schedule(plan.seed, 0, plan.session, block);
    for (std::size_t i = 0; i < kTrialsPerBlock; ++i) {
      const double now_s = static_cast<double>(block * kTrialsPerBlock + i) * trial_s;
      latency_ns[i] = recording.latency_ns[at] * (arms[i] == Arm::kA ? effect(now_s) : 1.0);
      at = at + 1 == recording.latency_ns.size() ? 0 : at + 1;
    }
    if (const auto medians = method.medians(arms, latency_ns)) {
      log_ratios_so_far.push_back(log_ratio(*medians));
    }
    outcome.elapsed_s = static_cast<double>((block + 1) * kTrialsPerBlock) * trial_s;
    outcome.stopped = stopping(log_ratios_so_far.size(), outcome.elapsed_s, estimate);
  }
  outcome.log_ratio = estimate();
  outcome.verdict = method.verdict(outcome.log_ratio, outcome.log_ratio.p_value(0), criteria);
  return outcome;
}

}  // namespace tlblab::statistics
