// SPDX-License-Identifier: GPL-2.0-only
// Each mutant spoils one thing of the production result, so that it follows the production code.
#include "user/statistics/mutants.hh"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <utility>

namespace tlblab::statistics {

namespace {

constexpr double kSignificant = 0.05;

// --- Schedule ------------------------------------------------------------------------------------

/// As it was once: ABBA or BAAB trial by trial, each of them measured.
Schedule alternating(std::uint64_t seed, std::uint64_t session, std::uint64_t block) {
  const Schedule runs = Method::production_schedule(seed, session, block);
  Schedule schedule;
  for (std::size_t i = 0; i < schedule.arms.size(); ++i) {
    const std::size_t quad = i / kRunsPerQuad % kQuadsPerBlock;
    const std::size_t as_run = quad * kRunsPerQuad + i % kRunsPerQuad;
    schedule.arms[i] = runs.arms[as_run * kTrialsPerRun];
  }
  return schedule;
}

Schedule lead_ins_measured(std::uint64_t seed, std::uint64_t session, std::uint64_t block) {
  Schedule schedule = Method::production_schedule(seed, session, block);
  schedule.leads_in = {};
  return schedule;
}

// --- Estimator: from trials to a log ratio -------------------------------------------------------

std::optional<BlockFigures> labels_by_position(std::span<const Measured> trials) {
  constexpr std::size_t measured_per_run = kTrialsPerRun - 1;
  std::vector<Measured> relabelled(trials.begin(), trials.end());
  for (std::size_t i = 0; i < relabelled.size(); ++i) {
    const std::size_t in_quad = i / measured_per_run % kRunsPerQuad;
    relabelled[i].arm = in_quad == 0 || in_quad == kRunsPerQuad - 1 ? Arm::kA : Arm::kB;
  }
  return block_figures(relabelled);
}

std::optional<BlockFigures> arms_swapped(std::span<const Measured> trials) {
  auto figures = block_figures(trials);
  if (figures) {
    std::swap(figures->median.a, figures->median.b);
    std::swap(figures->trimmed_mean.a, figures->trimmed_mean.b);
  }
  return figures;
}

std::optional<BlockFigures> a_over_a(std::span<const Measured> trials) {
  auto figures = block_figures(trials);
  if (figures) figures->median.b = figures->median.a;
  return figures;
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
  double sum_of_squares = 0;
  for (const double value : values) sum_of_squares += std::pow(value - estimate.mean, 2);
  const auto n = static_cast<double>(values.size());
  estimate.se = std::sqrt(sum_of_squares / (n - 1) / n);
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

// --- State and verdict ---------------------------------------------------------------------------

State always_steady(const SeriesEstimate& /*log_ratio*/, double /*width*/) {
  return State::kSteady;
}

/// Version 1: what wanders gets no word.
Verdict veto(const Evidence& evidence, const Criteria& criteria) {
  const Claim::Bounds& bounds = evidence.typical.at95;
  if (bounds.high - bounds.low > 2 * std::log1p(criteria.width)) return Verdict::kInconclusive;
  return judge(evidence, criteria);
}

Verdict equivalent_by_estimate(const Evidence& evidence, const Criteria& criteria) {
  Evidence certain = evidence;
  for (Claim* claim : {&certain.typical, &*certain.mean}) {
    claim->at90 = {claim->estimate, claim->estimate};
  }
  return judge(certain, criteria);
}

Verdict mean_not_asked(const Evidence& evidence, const Criteria& criteria) {
  return judge({evidence.typical, std::nullopt, evidence.adjusted_p}, criteria);
}

bool apart_by_share_alone(const std::array<double, 2>& apart_share, double /*log_ratio*/) {
  return *std::max_element(apart_share.begin(), apart_share.end()) > kMaxApartShare;
}

bool apart_always_voids(const std::array<double, 2>& apart_share, double /*log_ratio*/) {
  return apart_share[0] + apart_share[1] > 0;
}

bool apart_whatever_the_length(const std::array<double, 2>& apart_share, double /*log_ratio*/) {
  return apart_voids(apart_share, 0);
}

/// Version 1: a control fails only by being called different, and an equivalent one never is.
bool lenient_control(Verdict /*verdict*/, const Evidence& /*evidence*/, double stray,
                     double /*smallest*/, const Criteria& criteria) {
  return stray <= std::log1p(criteria.equivalence);
}

// --- Sessions ------------------------------------------------------------------------------------

SessionsEstimate divided_by_sessions(std::span<const Session> sessions) {
  SessionsEstimate estimate = across_sessions(sessions);
  estimate.se /= std::sqrt(static_cast<double>(estimate.nr_sessions));
  return estimate;
}

/// As if their starts were far enough apart.
SessionsEstimate closeness_not_asked(std::span<const Session> sessions) {
  std::vector<Session> spread(sessions.begin(), sessions.end());
  for (std::size_t i = 0; i < spread.size(); ++i) {
    spread[i].start_s = kMinSessionSpanSeconds * static_cast<double>(i);
  }
  return across_sessions(spread);
}

SessionsEstimate moments_count(std::span<const Session> sessions) {
  std::vector<Session> longer(sessions.begin(), sessions.end());
  for (Session& session : longer) {
    session.seconds = kMinSessionSeconds;
    session.nr_blocks = kMinBlocks;
  }
  return across_sessions(longer);
}

}  // namespace

std::vector<Mutant> mutants() {
  std::vector<Mutant> all;
  const auto add = [&all](std::string name, auto Method::*piece, auto replacement) {
    Mutant mutant{std::move(name), {}};
    mutant.method.*piece = std::move(replacement);
    all.push_back(std::move(mutant));
  };
  add("schedule: alternates trial by trial", &Method::schedule, alternating);
  add("schedule: lead-ins are measured", &Method::schedule, lead_ins_measured);
  add("estimator: labels by position in the quad", &Method::figures, labels_by_position);
  add("estimator: arms swapped", &Method::figures, arms_swapped);
  add("estimator: A's median over itself", &Method::figures, a_over_a);
  add("estimator: median of the blocks, not their mean", &Method::estimate, median_of_blocks);
  add("correction: phi is 1", &Method::estimate, phi_is_one);
  add("correction: phi upside down", &Method::estimate, phi_inverted);
  add("correction: blocks taken as independent", &Method::estimate, blocks_independent);
  add("stopping: peeks at each block", &Method::stopping,
      peeking([](std::size_t nr_blocks) { return nr_blocks >= kMinBlocks; }));
  add("stopping: peeks at each look", &Method::stopping, peeking(is_look));
  add("stopping: no minimum time", &Method::stopping, no_minimum_time);
  add("state: never wandering", &Method::state, always_steady);
  add("verdict: what wanders gets no word", &Method::judge, veto);
  add("verdict: equivalent by the estimate alone", &Method::judge, equivalent_by_estimate);
  add("verdict: the mean is not asked", &Method::judge, mean_not_asked);
  add("void: the difference between the arms is not asked", &Method::voids, apart_by_share_alone);
  add("void: the arms' lengths are not asked", &Method::voids, apart_whatever_the_length);
  add("void: by any trial set apart", &Method::voids, apart_always_voids);
  add("control: fails only when called different", &Method::stands, lenient_control);
  add("sessions: divides by n, not by its root", &Method::sessions, divided_by_sessions);
  add("sessions: closeness is not asked", &Method::sessions, closeness_not_asked);
  add("sessions: moments count", &Method::sessions, moments_count);
  return all;
}

}  // namespace tlblab::statistics
