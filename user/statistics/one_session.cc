// SPDX-License-Identifier: GPL-2.0-only
// Sessions that stand for themselves.
#include "user/statistics/one_session.hh"

#include <fmt/format.h>

#include <cmath>
#include <optional>

namespace tlblab::statistics {
namespace {

constexpr StoppingRule kShipped{};
constexpr std::size_t kPilots = 101;
constexpr std::size_t kTickEvery = 32;

/// True in `share` of all calls.
bool by_chance(std::mt19937_64& random, double share) {
  return static_cast<double>(random() >> 11U) * 0x1p-53 < share;
}

}  // namespace

void SuiteRun::for_each(const std::function<void(std::size_t)>& session) const {
  for (std::size_t i = 0; i < nr_sessions; ++i) {
    if (tick && i % kTickEvery == 0) tick(i);
    session(i);
  }
}

std::vector<CheckResult> run_aa(SuiteRun run, const StoppingRule& rule, const std::string& name,
                                const std::string& what) {
  Tally different;
  Tally not_equivalent;
  Tally wandering;
  Tally on_width;
  run.for_each([&](std::size_t) {
    const SessionOutcome session = run.replayer.next(no_effect, run.method, rule);
    different.add(session.evidence.typical.p_value <= kSignificant);
    not_equivalent.add(session.verdict != Verdict::kEquivalent);
    wandering.add(session.state == State::kWandering);
    on_width.add(session.stopped == StopReason::kWidth);
  });
  return {result(name + ": false verdicts", different, at_most(kSignificant),
                 fmt::format("{}: p <= 0.05 before any adjustment; {:.1f} % stopped on width, "
                             "{:.1f} % wandered, {:.1f} % not found equivalent",
                             what, 100 * on_width.rate(), 100 * wandering.rate(),
                             100 * not_equivalent.rate()))};
}

double contested_width(Replayer replayer, double seconds) {
  std::vector<double> widths;
  for (std::size_t i = 0; i < kPilots; ++i) {
    const auto session = replayer.next(no_effect, Method{}, {0, seconds, seconds});
    widths.push_back(relative_half_width(session.findings.typical, kConfidence));
  }
  return median_in_place(widths);
}

std::vector<CheckResult> run_planted(SuiteRun run) {
  Tally covered;
  Tally equivalent;
  run.for_each([&](std::size_t) {
    const auto session = run.replayer.next(slower_a(1 + kPlanted), run.method, kShipped);
    covered.add(covers(session.evidence.typical, std::log1p(kPlanted)));
    equivalent.add(session.verdict == Verdict::kEquivalent);
  });
  return {result("planted 5 %: covered", covered, at_least(kConfidence),
                 "A's latencies times 1.05; the 95 % interval holds ln 1.05"),
          result("planted 5 %: called equivalent within 5 %", equivalent, at_most(kSignificant),
                 "the effect lies on the bound, where two one-sided tests may err most")};
}

std::vector<CheckResult> run_carry_over(SuiteRun run) {
  constexpr double left = 0.2;
  Tally covered;
  Tally reversed;
  run.for_each([&](std::size_t) {
    const auto leaves = [after_a = false](ReplayedTrial& trial) mutable {
      if (after_a) trial.latency_ns *= 1 + left;
      after_a = trial.arm == Arm::kA;
    };
    const auto session = run.replayer.next(leaves, run.method, kShipped);
    covered.add(covers(session.evidence.typical, std::log1p(left)));
    reversed.add(session.verdict == Verdict::kDifferent && session.evidence.typical.estimate < 0);
  });
  return {result("carry-over of 20 %: covered", covered, at_least(0.93),
                 "each A adds a fifth to the trial after it; an arm used all the time pays it "
                 "itself, so the interval must hold ln 1.2"),
          result("carry-over of 20 %: the payer called faster", reversed, at_most(kSignificant),
                 "\"different\", with A the faster one")};
}

std::vector<CheckResult> run_heavy_tail(SuiteRun run) {
  Tally equivalent;
  run.for_each([&](std::size_t) {
    const auto slow = [&](ReplayedTrial& trial) {
      const bool is_slow = by_chance(run.replayer.random(), 0.25);
      if (trial.arm == Arm::kA && is_slow) trial.latency_ns *= 10;
    };
    equivalent.add(run.replayer.next(slow, run.method, kShipped).verdict == Verdict::kEquivalent);
  });
  return {result("one arm slow in a quarter of its calls: called equivalent", equivalent,
                 at_most(kSignificant), "A's latencies times 10 in 25 % of its calls")};
}

std::vector<CheckResult> run_apart_in_one_arm(SuiteRun run) {
  Tally not_void;
  run.for_each([&](std::size_t) {
    const auto slow_and_apart = [&](ReplayedTrial& trial) {
      trial.apart = by_chance(run.replayer.random(), 0.15) && trial.arm == Arm::kA;
      if (trial.apart) trial.latency_ns *= 3;
    };
    not_void.add(run.replayer.next(slow_and_apart, run.method, kShipped).verdict != Verdict::kVoid);
  });
  return {result("set apart in one arm only: not void", not_void, at_most(kSignificant),
                 "15 % of A's calls take three times as long and are set apart")};
}

std::vector<CheckResult> run_apart_in_both(SuiteRun run) {
  Tally is_void;
  Tally covered;
  run.for_each([&](std::size_t) {
    const auto apart = [&](ReplayedTrial& trial) {
      trial.apart = by_chance(run.replayer.random(), 0.1);
    };
    const auto session = run.replayer.next(apart, run.method, kShipped);
    is_void.add(session.verdict == Verdict::kVoid);
    covered.add(covers(session.evidence.typical, 0));
  });
  return {result("set apart in both arms: void", is_void, at_most(kSignificant),
                 "10 % of all calls, at random"),
          result("set apart in both arms: covered", covered, at_least(0.93), "nothing differs")};
}

std::vector<CheckResult> run_apart_by_length(SuiteRun run) {
  constexpr double times = 10;
  constexpr double share_of_b = 0.015;
  Tally is_void;
  run.for_each([&](std::size_t) {
    const auto longer = [&](ReplayedTrial& trial) {
      const bool is_a = trial.arm == Arm::kA;
      if (is_a) trial.latency_ns *= times;
      trial.apart =
          by_chance(run.replayer.random(), is_a ? 1 - std::pow(1 - share_of_b, times) : share_of_b);
    };
    is_void.add(run.replayer.next(longer, run.method, kShipped).verdict == Verdict::kVoid);
  });
  return {result("the longer arm is met more often: void", is_void, at_most(kSignificant),
                 "A takes ten times as long; 1.5 % of B's calls are set apart and 14 % of A's")};
}

std::vector<CheckResult> run_biased_control(SuiteRun run) {
  constexpr double bias = 1.04;
  const Criteria criteria{.equivalence = kPlanted};
  Tally claimed;
  run.for_each([&](std::size_t) {
    const auto control = run.replayer.next(slower_a(bias), run.method, kShipped);
    const auto cell = run.replayer.next(slower_a(bias), run.method, kShipped);
    const double smallest = claimed_effect(cell.verdict, cell.evidence.typical, criteria);
    const double stray = farthest_stray(std::span(&control.evidence.typical, 1));
    const bool claims = cell.verdict == Verdict::kDifferent || cell.verdict == Verdict::kEquivalent;
    claimed.add(claims &&
                run.method.stands(cell.verdict, cell.evidence, stray, smallest, criteria));
  });
  return {result("control off by 4 %: a claim stands", claimed, at_most(kSignificant),
                 "the A/A control and the cell both favour B by 4 %, and nothing differs")};
}

}  // namespace tlblab::statistics
