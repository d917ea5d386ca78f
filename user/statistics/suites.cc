// SPDX-License-Identifier: GPL-2.0-only
// The suites of the self-test and the reasons for their limits.
#include "user/statistics/suites.hh"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "user/statistics/many_sessions.hh"
#include "user/statistics/one_session.hh"
#include "user/support/error.hh"

namespace tlblab::statistics {

namespace {

/// Several looks have to fit into a session, or stopping is not tested.
constexpr std::size_t kMinSessionBlocks = 128;
constexpr StoppingRule kShipped{};
constexpr StoppingRule kFullSession{kShipped.width, kShipped.max_seconds, kShipped.max_seconds};
constexpr StoppingRule kMoment{kShipped.width, 0.05, 0.05};

constexpr double kLargeEffect = 11;
/// Eight starts this far apart span twenty minutes.
constexpr double kSpreadGap = 172;

/// Why these limits. With many regimes in a session its interval is right, but for the few points
/// that a correction from 32 batch means falls short of 95 %, and that a block in which the regime
/// changes has the median of a mixture, not its mean: most blocks, at a dwell of 0.1 s. From a
/// dwell of some tenths of the session on it wanders, and its interval is the range of its batch
/// means, which reaches from level to level once both were met. With a dwell of twice the session,
/// most sessions see one regime only, and nothing in them tells; there a single session must be
/// *seen* to fail, or this test proves nothing. However long the regimes, an effect far larger than
/// they are must keep its word: a state is no veto.
const RegimeCase kRegimeCases[] = {
    {.dwell_s = 0.1,
     .rule = kFullSession,
     .least_covered = 0.88,
     .least_covered_series = 0.88,
     .most_different = 0.05},
    {.dwell_s = 0.9,
     .rule = kFullSession,
     .least_covered = 0.95,
     .least_covered_series = 0.90,
     .most_different = 0.05},
    {.dwell_s = 1.7,
     .rule = kFullSession,
     .least_covered = 0.93,
     .least_covered_series = 0.88,
     .least_wandering = 0.90,
     .most_different = 0.07},
    {.dwell_s = 3.7,
     .rule = kFullSession,
     .least_covered = 0.80,
     .least_covered_series = 0.75,
     .least_wandering = 0.80,
     .most_different = 0.20},
    {.dwell_s = 19, .rule = kFullSession, .most_covered = 0.60},
    {.dwell_s = 1.7, .rule = kFullSession, .factor = kLargeEffect, .least_different = 0.95},
    {.dwell_s = 19, .rule = kFullSession, .factor = kLargeEffect, .least_different = 0.95},
    {.dwell_s = 0.9, .rule = kShipped, .least_covered = 0.88, .most_different = 0.12},
};

/// Regimes of a minute, met by sessions spread over twenty minutes, are independent draws, and the
/// interval must come near to what it promises. Ten seconds apart it can't, and must not say "the
/// machine"; nor may sessions of a moment.
const SessionsCase kSessionsCases[] = {
    {.dwell_s = 60, .gap_s = kSpreadGap, .rule = kShipped, .least_covered = 0.85},
    {.dwell_s = 19, .gap_s = kSpreadGap, .rule = kShipped, .least_covered = 0.85},
    {.dwell_s = 60, .gap_s = 10, .rule = kShipped, .most_for_machine = 0.05},
    {.dwell_s = 60, .gap_s = kSpreadGap, .rule = kMoment, .most_for_machine = 0.05},
};

void require_replayable(const Recording& recording) {
  const auto refuse = [&](const std::string& why) {
    throw Error(
        ExitStatus::kUsage, fmt::format("recording {}: {}", recording.name, why),
        "Record one scheme alone for ten seconds or more, on a machine that does nothing else, and "
        "on a shape of which it does some thousand trials per second.");
  };
  const std::size_t min_trials = kMinSessionBlocks * kTrialsPerBlock;
  if (recording.latency_ns.size() < min_trials) {
    refuse(fmt::format("{} trials, where a replay needs at least {}", recording.latency_ns.size(),
                       min_trials));
  }
  const double min_pace = static_cast<double>(min_trials) / kShipped.max_seconds;
  if (!(recording.trials_per_second >= min_pace && std::isfinite(recording.trials_per_second))) {
    refuse(fmt::format("{} trials per second, where a session of {} s needs at least {:.0f}",
                       recording.trials_per_second, kShipped.max_seconds, min_pace));
  }
  const bool positive = std::all_of(recording.latency_ns.begin(), recording.latency_ns.end(),
                                    [](double ns) { return std::isfinite(ns) && ns > 0; });
  if (!positive) refuse("a latency is not a positive number of nanoseconds");
}

/// How a suite answers: from its run.
using Answer = std::function<std::vector<CheckResult>(SuiteRun)>;

}  // namespace

std::vector<Suite> suites(const Recording& recording, std::uint64_t seed) {
  require_replayable(recording);
  std::vector<Suite> all;
  std::uint32_t nr_suites = 0;
  const auto add = [&](std::string name, double cost, Answer answer) {
    all.push_back({std::move(name), cost,
                   [&recording, seed, suite = nr_suites++, answer = std::move(answer)](
                       const Method& method, std::size_t n, const Suite::Tick& tick) {
                     return answer({Replayer(recording, seed, suite), method, n, tick});
                   }});
  };
  const double shipped = kShipped.min_seconds;

  add("planted 5 %", shipped, run_planted);
  add("A/A", shipped,
      [](SuiteRun run) { return run_aa(run, kShipped, "A/A", "relabelled at random"); });
  add("carry-over", shipped, run_carry_over);
  add("heavy tail in one arm", shipped, run_heavy_tail);
  add("set apart in one arm", shipped, run_apart_in_one_arm);
  add("set apart in both arms", shipped, run_apart_in_both);
  add("set apart by length", shipped, run_apart_by_length);
  add("biased control", 2 * shipped, run_biased_control);
  add("clusters", shipped, run_clusters);

  const double pilot_s =
      static_cast<double>(kMinSessionBlocks * kTrialsPerBlock) / recording.trials_per_second;
  const StoppingRule contested{contested_width(Replayer(recording, seed, nr_suites), pilot_s), 0,
                               kShipped.max_seconds};
  add("A/A, width contested", shipped, [contested](SuiteRun run) {
    return run_aa(run, contested, "A/A, width contested",
                  fmt::format("+-{:.2f} % wanted, no minimum time", 100 * contested.width));
  });
  for (const RegimeCase& spec : kRegimeCases) {
    const bool early = spec.rule.min_seconds < spec.rule.max_seconds;
    const std::string name =
        fmt::format("regimes of {} s{}{}", spec.dwell_s,
                    spec.factor == 1 ? "" : ", A 11 times slower", early ? ", stopping early" : "");
    add(name, spec.rule.max_seconds,
        [&spec, name](SuiteRun run) { return run_regimes(run, spec, name); });
  }
  for (const SessionsCase& spec : kSessionsCases) {
    const std::string name =
        fmt::format("eight sessions of {:g} s, {:g} s apart, regimes of {:g} s",
                    spec.rule.max_seconds, spec.gap_s, spec.dwell_s);
    add(name, spec.rule.max_seconds,
        [&spec, name](SuiteRun run) { return run_eight(run, spec, name); });
  }
  return all;
}

}  // namespace tlblab::statistics
