// SPDX-License-Identifier: GPL-2.0-only
// Regimes, within sessions and across them.
#include "user/statistics/many_sessions.hh"

#include <fmt/format.h>

#include <cmath>

#include "user/statistics/regimes.hh"

namespace tlblab::statistics {
namespace {

/// A factor on A that goes through regimes, on top of a constant one.
Effect through(Regimes& regimes, double start_s, double factor = 1) {
  return [&regimes, start_s, factor](ReplayedTrial& trial) {
    const double level = regimes(start_s + trial.elapsed_s);
    if (trial.arm == Arm::kA) trial.latency_ns *= level * factor;
  };
}

}  // namespace

std::vector<CheckResult> run_regimes(SuiteRun run, const RegimeCase& spec,
                                     const std::string& name) {
  const double truth = std::log(spec.factor);
  Tally covered;
  Tally covered_series;
  Tally different;
  Tally wrong_way;
  Tally wandering;
  double seconds = 0;
  run.for_each([&](std::size_t) {
    Regimes regimes(spec.dwell_s, spec.rule.max_seconds, run.replayer.random());
    const auto session = run.replayer.next(through(regimes, 0, spec.factor), run.method, spec.rule);
    const bool is_different = session.verdict == Verdict::kDifferent;
    covered.add(covers(session.evidence.typical, truth));
    covered_series.add(covers(claim_of(session.findings.typical, State::kSteady), truth));
    different.add(is_different);
    wrong_way.add(is_different && truth * session.evidence.typical.estimate < 0);
    wandering.add(session.state == State::kWandering);
    seconds += session.elapsed_s;
  });
  const std::string seen = fmt::format(
      "A's latencies go through regimes of x{0} and /{0}{1}; sessions of {2:.1f} s; {3:.1f} % "
      "wandered, {4:.1f} % were called different, {5:.1f} % were covered",
      Regimes::kLevel, spec.factor == 1 ? "" : fmt::format(", times {}", spec.factor),
      seconds / static_cast<double>(run.nr_sessions), 100 * wandering.rate(),
      100 * different.rate(), 100 * covered.rate());
  std::vector<CheckResult> results;
  const auto ask_least = [&](const char* what, const Tally& tally, double least) {
    if (least > 0) results.push_back(result(name + what, tally, at_least(least), seen));
  };
  const auto ask_most = [&](const char* what, const Tally& tally, double most) {
    if (most < 1) results.push_back(result(name + what, tally, at_most(most), seen));
  };
  ask_least(": covered", covered, spec.least_covered);
  ask_most(": covered", covered, spec.most_covered);
  ask_least(": covered by the batches alone", covered_series, spec.least_covered_series);
  ask_least(": said to wander", wandering, spec.least_wandering);
  ask_most(": called different", different, spec.most_different);
  ask_least(": called different", different, spec.least_different);
  if (spec.least_different > 0) ask_most(": the slower called faster", wrong_way, 0.01);
  return results;
}

std::vector<CheckResult> run_eight(SuiteRun run, const SessionsCase& spec,
                                   const std::string& name) {
  constexpr std::size_t nr_of_claim = kSessionsForClaim;
  Tally covered;
  Tally predicted;
  Tally for_machine;
  Tally claims;
  run.nr_sessions /= nr_of_claim;
  run.for_each([&](std::size_t) {
    // One more than the claim needs: the next session, which is foretold.
    Regimes regimes(spec.dwell_s, spec.gap_s * (nr_of_claim + 1) + spec.rule.max_seconds,
                    run.replayer.random());
    std::vector<Session> sessions;
    for (std::size_t i = 0; i <= nr_of_claim; ++i) {
      const double start_s = spec.gap_s * static_cast<double>(i);
      const auto session = run.replayer.next(through(regimes, start_s), run.method, spec.rule);
      sessions.push_back({session.findings.typical.mean, start_s, session.elapsed_s,
                          session.findings.typical.nr_values});
    }
    const Session next = sessions.back();
    sessions.pop_back();
    const SessionsEstimate all = run.method.sessions(sessions);
    claims.add(std::isfinite(all.half_width(kConfidence)));
    for_machine.add(all.scope == Scope::kMachine);
    covered.add(std::abs(all.mean) <= all.half_width(kConfidence));
    predicted.add(std::abs(next.mean - all.mean) <= all.prediction_half_width(kConfidence));
  });
  const std::string seen = fmt::format(
      "starts {:g} s apart, one process of regimes of {:g} s through all; {:.1f} % covered, the "
      "next session foretold by {:.1f} %, {:.1f} % had an interval",
      spec.gap_s, spec.dwell_s, 100 * covered.rate(), 100 * predicted.rate(), 100 * claims.rate());
  std::vector<CheckResult> results;
  if (spec.least_covered > 0) {
    results.push_back(result(name + ": covered", covered, at_least(spec.least_covered), seen));
  }
  if (spec.most_for_machine < 1) {
    results.push_back(
        result(name + ": said of the machine", for_machine, at_most(spec.most_for_machine), seen));
  }
  return results;
}

std::vector<CheckResult> run_clusters(SuiteRun run) {
  constexpr std::size_t nr_of_claim = kSessionsForClaim;
  Tally seen_in_two;
  Tally seen_in_one;
  run.nr_sessions /= 2 * nr_of_claim;
  run.for_each([&](std::size_t) {
    for (const bool two : {true, false}) {
      std::vector<double> means;
      for (std::size_t i = 0; i < nr_of_claim; ++i) {
        const double level = two && i % 4 == 0 ? Regimes::kLevel : 1;
        const auto session = run.replayer.next(slower_a(level), run.method, StoppingRule{});
        means.push_back(session.findings.typical.mean);
      }
      const bool found = clusters(means, std::log1p(0.01)).has_value();
      (two ? seen_in_two : seen_in_one).add(found);
    }
  });
  return {result("two of eight sessions 9 % off: said to be two clusters", seen_in_two,
                 at_least(0.9), "in each of the sessions one level"),
          result("eight sessions of one level: said to be two clusters", seen_in_one,
                 at_most(kSignificant), "nothing differs from session to session")};
}

}  // namespace tlblab::statistics
