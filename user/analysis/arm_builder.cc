// SPDX-License-Identifier: GPL-2.0-only
// An arm's trials and counts to what a report says of it.
#include "user/analysis/arm_builder.hh"

#include "user/statistics/blocks.hh"

namespace tlblab {
namespace {

constexpr std::size_t kEcdfPoints = 400;

Quantiles quantiles_of(const LatencyHistogram& latencies) {
  if (latencies.size() == 0) return {};
  const std::size_t last = latencies.size() - 1;
  const auto at = [&](double share) {
    return latencies.at_rank(static_cast<std::size_t>(share * static_cast<double>(last)));
  };
  return {at(0.05), at(0.25), at(0.50), at(0.75), at(0.95), at(0.99), latencies.at_rank(last)};
}

}  // namespace

ArmBuilder::ArmBuilder(Arm arm, const std::string& scheme, const CellPlan& plan)
    : arm_(arm), timed_(plan.timed) {
  result_.scheme = scheme;
}

void ArmBuilder::expect(const Expectation& expected) {
  result_.expected_requests = expected.requests;
  result_.extent_pages = expected.extent_pages;
  result_.expectation_note = expected.note;
  result_.expected_account = expected.account;
}

void ArmBuilder::add_account(const Account& sums, std::size_t nr_operations) {
  account_check_.add(sums, nr_operations);
}

void ArmBuilder::add(const Trial& trial) {
  if (trial.arm != arm_ || trial.state == TrialState::kLeadIn) return;
  if (trial.state != TrialState::kOk) {
    ++result_.nr_apart[static_cast<std::size_t>(trial.state)];
    return;
  }
  latencies_.add(trial.latency_ns);
  for (const auto& responder : trial.responders) interrupts_ += responder.interrupts;
}

void ArmBuilder::add(const records::CountTrial& trial) {
  if (trial.arm != arm_) return;
  account_check_.add(trial.engine_account, 1);  // requests owe nothing to what responders did
  const bool is_ok = trial.state == TrialState::kOk;
  // Where times are shown, counts speak of the same kind of trial. A cell of counts alone keeps
  // all: a responder that was away can only have made deliveries fewer.
  if (!is_ok && timed_) return;
  if (!is_ok) ++result_.nr_apart[static_cast<std::size_t>(trial.state)];
  if (is_ok) ++nr_counted_;
  counting_latencies_.push_back(static_cast<double>(trial.latency_ns));
  for (const auto& [term, count] : trial.engine_account) result_.engine_account[term].add(count);
  counts_.add(trial.counts);
}

std::string ArmBuilder::miscount() const {
  return account_check_.miscount(result_.expected_account);
}

ArmResult ArmBuilder::finish(const ArmQuantities& quantities, bool has_responders, Ecdf& ecdf) {
  result_.quantiles = quantiles_of(latencies_);
  // Steps even in probability, the first and last value kept: that is where the tails are.
  ecdf = latencies_.cumulative(kEcdfPoints);
  result_.nr_trials = timed_ ? latencies_.size() : nr_counted_;
  result_.latency_ns = exponential(quantities.ln_latency.claim());
  if (has_responders) result_.stolen_ns = linear(quantities.stolen.claim());
  if (latencies_.size() > 0) {
    result_.interrupts_seen =
        static_cast<double>(interrupts_) / static_cast<double>(latencies_.size());
  }
  SideCounts counts = counts_.finish();
  result_.initiator_counts = std::move(counts.initiator);
  result_.responder_counts = std::move(counts.responders);
  result_.responder_spread = std::move(counts.spread);
  if (!counting_latencies_.empty()) {
    result_.counting_latency_ns = statistics::median_in_place(counting_latencies_);
  }
  return std::move(result_);
}

}  // namespace tlblab
