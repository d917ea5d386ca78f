// SPDX-License-Identifier: GPL-2.0-only
// Each mutant spoils one thing of the production result, so that it follows the production code.
#include "user/statistics/mutants.hh"

#include <array>
#include <cmath>
#include <limits>
#include <utility>

namespace tlblab::statistics {

namespace {

constexpr double kSignificant = 0.05;
constexpr std::array<Arm, 4> kAbba{Arm::kA, Arm::kB, Arm::kB, Arm::kA};

// --- Estimator: from trials to a log ratio -------------------------------------------------------

std::optional<BlockMedians> labels_by_position(std::span<const Arm> arms,
                                               std::span<const double> latency_ns) {
  std::vector<Arm> positions(arms.size());
  for (std::size_t i = 0; i < positions.size(); ++i) positions[i] = kAbba[i % kAbba.size()];
  return block_medians(positions, latency_ns);
}

std::optional<BlockMedians> arms_swapped(std::span<const Arm> arms,
                                         std::span<const double> latency_ns) {
  auto medians = block_medians(arms, latency_ns);
  if (medians) std::swap(medians->a, medians->b);
  return medians;
}

std::optional<BlockMedians> a_over_a(std::span<const Arm> arms,
                                     std::span<const double> latency_ns) {
  auto medians = block_medians(arms, latency_ns);
  if (medians) medians->b = medians->a;
  return medians;
}

SeriesEstimate median_of_blocks(std::span<const double> values) {
  SeriesEstimate estimate = estimate_series(values);
  std::vector<double> copy(values.begin(), values.end());
  estimate.mean = median_in_place(copy);
  return estimate;
}

// --- Correction: from a log ratio to its interval ------------------------------------------------

SeriesEstimate phi_is_one(std::span<const double> values) {
  SeriesEstimate estimate = estimate_series(values);
  estimate.se /= std::sqrt(estimate.phi);
  estimate.dof = (estimate.dof + 1) * estimate.phi - 1;
  estimate.phi = 1;
  return estimate;
}

SeriesEstimate phi_inverted(std::span<const double> values) {
  SeriesEstimate estimate = estimate_series(values);
  const double k = (estimate.dof + 1) * estimate.phi;
  estimate.se /= estimate.phi;
  estimate.phi = 1 / estimate.phi;
  estimate.dof = k - 1;
  return estimate;
}

SeriesEstimate blocks_independent(std::span<const double> values) {
  SeriesEstimate estimate = estimate_series(values);
  estimate.se = across_sessions(values).se;
  estimate.phi = 1;
  estimate.dof = static_cast<double>(values.size()) - 1;
  return estimate;
}

// --- Stopping ------------------------------------------------------------------------------------

/// Stops at the first of its looks where the arms differ significantly, or on time.
template <typename IsLook>
auto peeking(IsLook is_my_look) {
  return [is_my_look](const StoppingRule& rule) -> Method::Stopping {
    return [is_my_look, rule](std::size_t nr_blocks, double elapsed_s,
                              const Method::Estimate& estimate) {
      if (is_my_look(nr_blocks) && estimate().p_value(0) <= kSignificant) return StopReason::kWidth;
      return elapsed_s >= rule.max_seconds ? StopReason::kTime : StopReason::kContinue;
    };
  };
}

Method::Stopping no_minimum_time(const StoppingRule& rule) {
  StoppingRule hasty = rule;
  hasty.min_seconds = 0;
  return Method::production_stopping(hasty);
}

// --- Verdict -------------------------------------------------------------------------------------

Verdict equivalent_by_estimate(const SeriesEstimate& log_ratio, double adjusted_p,
                               const Criteria& criteria) {
  SeriesEstimate certain = log_ratio;
  certain.se = 0;
  return judge(certain, adjusted_p, criteria);
}

Verdict never_unstable(const SeriesEstimate& log_ratio, double adjusted_p,
                       const Criteria& criteria) {
  const double half_width = log_ratio.half_width(0.90);
  return judge({true, log_ratio.mean - half_width, log_ratio.mean + half_width, adjusted_p},
               criteria);
}

// --- Sessions ------------------------------------------------------------------------------------

SessionsEstimate divided_by_sessions(std::span<const double> session_means) {
  SessionsEstimate estimate = across_sessions(session_means);
  estimate.se /= std::sqrt(static_cast<double>(estimate.nr_sessions));
  return estimate;
}

}  // namespace

std::vector<Mutant> mutants() {
  std::vector<Mutant> all;
  const auto add = [&all](std::string name, auto Method::*piece, auto replacement) {
    Mutant mutant{std::move(name), {}};
    mutant.method.*piece = std::move(replacement);
    all.push_back(std::move(mutant));
  };
  add("estimator: labels by position in the quad", &Method::medians, labels_by_position);
  add("estimator: arms swapped", &Method::medians, arms_swapped);
  add("estimator: A's median over itself", &Method::medians, a_over_a);
  add("estimator: median of the blocks, not their mean", &Method::estimate, median_of_blocks);
  add("correction: phi is 1", &Method::estimate, phi_is_one);
  add("correction: phi upside down", &Method::estimate, phi_inverted);
  add("correction: blocks taken as independent", &Method::estimate, blocks_independent);
  add("stopping: peeks at each block", &Method::stopping,
      peeking([](std::size_t nr_blocks) { return nr_blocks >= kMinBlocks; }));
  add("stopping: peeks at each look", &Method::stopping, peeking(is_look));
  add("stopping: no minimum time", &Method::stopping, no_minimum_time);
  add("verdict: equivalent by the estimate alone", &Method::verdict, equivalent_by_estimate);
  add("verdict: never unstable", &Method::verdict, never_unstable);
  add("sessions: divides by n, not by its root", &Method::sessions, divided_by_sessions);
  return all;
}

}  // namespace tlblab::statistics
