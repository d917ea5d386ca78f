// SPDX-License-Identifier: GPL-2.0-only
// Replay: one session on relabelled trials.
#include "user/statistics/replay.hh"

namespace tlblab::statistics {
namespace {

/// Measured trials of each arm, and how many of them were set apart.
class ApartShares {
 public:
  void add(const Measured& trial) {
    const auto arm = static_cast<std::size_t>(trial.arm);
    ++nr_tried_[arm];
    if (trial.apart) ++nr_apart_[arm];
  }
  [[nodiscard]] std::array<double, 2> shares() const {
    std::array<double, 2> shares{};
    for (std::size_t arm = 0; arm < shares.size(); ++arm) {
      if (nr_tried_[arm] > 0) shares[arm] = nr_apart_[arm] / nr_tried_[arm];
    }
    return shares;
  }

 private:
  std::array<double, 2> nr_tried_{};
  std::array<double, 2> nr_apart_{};
};

}  // namespace

Schedule Method::production_schedule(std::uint64_t seed, std::uint64_t session,
                                     std::uint64_t block) {
  Schedule schedule;
  schedule.arms = block_schedule(seed, 0, session, block);
  for (std::size_t i = 0; i < schedule.leads_in.size(); ++i) schedule.leads_in[i] = leads_in(i);
  return schedule;
}

std::optional<BlockFigures> Method::production_figures(std::span<const Measured> trials) {
  return block_figures(trials);
}

Method::Stopping Method::production_stopping(const StoppingRule& rule) {
  return [stopper = Stopper(rule)](std::size_t nr_blocks, double elapsed_s,
                                   const Estimate& estimate) mutable {
    return stopper.after_block(nr_blocks, elapsed_s, estimate);
  };
}

Claim Method::production_claim(const SeriesEstimate& log_ratio, State state) {
  return claim_of(log_ratio, state);
}

SessionOutcome replay_session(const Recording& recording, const SessionPlan& plan,
                              const Effect& effect, const Method& method, const StoppingRule& rule,
                              const Criteria& criteria) {
  const double trial_s = 1 / recording.trials_per_second;
  std::vector<double> medians;
  std::vector<double> means;
  std::vector<Measured> measured;
  ApartShares apart;
  const Method::Estimate estimate = [&] { return method.estimate(medians); };
  const Method::Stopping stopping = method.stopping(rule);

  SessionOutcome outcome;
  std::size_t at = plan.start;
  for (std::size_t block = 0; outcome.stopped == StopReason::kContinue; ++block) {
    const Schedule schedule = method.schedule(plan.seed, plan.session, block);
    measured.clear();
    for (std::size_t i = 0; i < kTrialsPerBlock; ++i) {
      ReplayedTrial trial{schedule.arms[i],
                          static_cast<double>(block * kTrialsPerBlock + i) * trial_s,
                          recording.latency_ns[at]};
      effect(trial);
      at = at + 1 == recording.latency_ns.size() ? 0 : at + 1;
      if (schedule.leads_in[i]) continue;
      measured.push_back({trial.arm, trial.latency_ns, trial.apart});
      apart.add(measured.back());
    }
    if (const auto figures = method.figures(measured)) {
      medians.push_back(log_ratio(figures->median));
      means.push_back(log_ratio(figures->trimmed_mean));
    }
    outcome.elapsed_s = static_cast<double>((block + 1) * kTrialsPerBlock) * trial_s;
    outcome.stopped = stopping(medians.size(), outcome.elapsed_s, estimate);
  }
  outcome.findings = {estimate(), method.estimate(means), apart.shares()};
  const Findings& found = outcome.findings;
  outcome.state = method.state(found.typical, criteria.width);
  outcome.evidence.typical = method.claim(found.typical, outcome.state);
  outcome.evidence.mean = method.claim(found.mean, method.state(found.mean, criteria.width));
  outcome.evidence.adjusted_p = outcome.evidence.typical.p_value;
  outcome.verdict = method.voids(found.apart_share, found.typical.mean)
                        ? Verdict::kVoid
                        : method.judge(outcome.evidence, criteria);
  return outcome;
}

}  // namespace tlblab::statistics
