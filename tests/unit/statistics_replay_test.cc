// SPDX-License-Identifier: GPL-2.0-only
// Replay: sessions whose outcome is known exactly, and each piece of the method in its place.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "user/statistics/regimes.hh"
#include "user/statistics/replay.hh"

namespace tlblab::statistics {
namespace {

constexpr double kPace = 1000;

/// Latencies are all different, so that a wrong label or offset shows.
Recording uneven_recording() {
  Recording recording{"uneven", {}, kPace};
  std::mt19937_64 random(17);
  for (int i = 0; i < 10007; ++i) {
    recording.latency_ns.push_back(1000 + static_cast<double>(random() % 100));
  }
  return recording;
}
Recording constant_recording() { return {"constant", std::vector<double>(5000, 250.0), kPace}; }

void no_effect(ReplayedTrial& /*trial*/) {}
Effect slower_a(double factor) {
  return [factor](ReplayedTrial& trial) {
    if (trial.arm == Arm::kA) trial.latency_ns *= factor;
  };
}

SessionOutcome replay(const Recording& recording, const SessionPlan& plan, const Effect& effect,
                      const Method& method = {}, const StoppingRule& rule = {}) {
  return replay_session(recording, plan, effect, method, rule, Criteria{});
}

TEST(Replay, APlantedFactorIsFoundExactly) {
  const auto recording = constant_recording();
  const auto session = replay(recording, {1, 2, 3}, slower_a(2));
  EXPECT_DOUBLE_EQ(session.findings.typical.mean, std::log(2));
  EXPECT_LT(session.findings.typical.half_width(0.95), 1e-12);
  EXPECT_EQ(session.verdict, Verdict::kDifferent);
}

// A factor on every latency of A shifts each block's log ratio by its logarithm, no more.
TEST(Replay, AFactorShiftsTheRatioAndLeavesItsErrorAlone) {
  const auto recording = uneven_recording();
  const auto without = replay(recording, {1, 2, 3}, no_effect);
  const auto with = replay(recording, {1, 2, 3}, slower_a(1.3));
  EXPECT_NE(without.findings.typical.mean, 0);
  EXPECT_NEAR(with.findings.typical.mean - without.findings.typical.mean, std::log(1.3), 1e-12);
  EXPECT_NEAR(with.findings.typical.se, without.findings.typical.se, 1e-12);
  EXPECT_EQ(without.verdict, Verdict::kEquivalent);
}

TEST(Replay, IsItsPlan) {
  const auto recording = uneven_recording();
  const double mean = replay(recording, {1, 2, 3}, no_effect).findings.typical.mean;
  EXPECT_EQ(replay(recording, {1, 2, 3}, no_effect).findings.typical.mean, mean);
  EXPECT_NE(replay(recording, {2, 2, 3}, no_effect).findings.typical.mean, mean);
  EXPECT_NE(replay(recording, {1, 3, 3}, no_effect).findings.typical.mean, mean);
  EXPECT_NE(replay(recording, {1, 2, 4}, no_effect).findings.typical.mean, mean);
}

// The same trials in the same order, whether the end of the recording lies between or not.
TEST(Replay, WrapsAround) {
  const auto recording = uneven_recording();
  Recording turned = recording;
  std::rotate(turned.latency_ns.begin(), turned.latency_ns.begin() + 9000, turned.latency_ns.end());
  EXPECT_EQ(replay(recording, {1, 2, 9000}, no_effect).findings.typical.mean,
            replay(turned, {1, 2, 0}, no_effect).findings.typical.mean);
}

// 80 trials a block at 1000 trials a second: the 64th block, the first look, ends at 5.12 s.
TEST(Replay, StopsOnWidthOrTime) {
  const auto recording = uneven_recording();
  const auto narrow = replay(recording, {1, 2, 3}, no_effect);
  EXPECT_EQ(narrow.stopped, StopReason::kWidth);
  EXPECT_EQ(narrow.findings.typical.nr_values, 64U);
  EXPECT_DOUBLE_EQ(narrow.elapsed_s, 64 * 80 / kPace);
  const auto never = replay(recording, {1, 2, 3}, no_effect, {}, {1e-9, 5, 10});
  EXPECT_EQ(never.stopped, StopReason::kTime);
  EXPECT_EQ(never.findings.typical.nr_values, 125U);
}

TEST(Replay, EffectSeesTheTimeOfTheSession) {
  double latest = -1;
  const auto watch = [&](const ReplayedTrial& trial) {
    EXPECT_GT(trial.elapsed_s, latest);
    latest = trial.elapsed_s;
  };
  replay(constant_recording(), {1, 2, 3}, watch);
  EXPECT_GT(latest, 5.0);
  EXPECT_LT(latest, 64 * 80 / kPace);
}

// A block that does not count still takes its time.
TEST(Replay, BlocksWithoutMediansAreLeftOut) {
  Method method;
  int nr_calls = 0;
  method.figures = [&](std::span<const Measured> trials) {
    return ++nr_calls % 2 == 0 ? block_figures(trials) : std::nullopt;
  };
  const auto session = replay(constant_recording(), {1, 2, 3}, no_effect, method, {0.03, 5, 20});
  EXPECT_EQ(session.stopped, StopReason::kWidth);
  EXPECT_EQ(nr_calls, 2 * 64);  // the first look is at 64 blocks that count, past 5 s
  EXPECT_EQ(session.findings.typical.nr_values, 64U);
}

TEST(Replay, EachPieceOfTheMethodIsUsed) {
  const auto recording = uneven_recording();
  const SessionPlan plan{1, 2, 3};
  Method estimates_7;
  estimates_7.estimate = [](std::span<const double> values) {
    SeriesEstimate estimate = estimate_series(values);
    estimate.mean = 7;
    return estimate;
  };
  EXPECT_EQ(replay(recording, plan, no_effect, estimates_7).findings.typical.mean, 7);
  EXPECT_EQ(replay(recording, plan, no_effect, estimates_7).verdict, Verdict::kDifferent);

  Method stops_at_40;
  stops_at_40.stopping = [](const StoppingRule&) -> Method::Stopping {
    return [](std::size_t nr_blocks, double, const Method::Estimate&) {
      return nr_blocks == 40 ? StopReason::kWidth : StopReason::kContinue;
    };
  };
  EXPECT_EQ(replay(recording, plan, no_effect, stops_at_40).findings.typical.nr_values, 40U);

  Method always_void;
  always_void.voids = [](const std::array<double, 2>&, double) { return true; };
  EXPECT_EQ(replay(recording, plan, no_effect, always_void).verdict, Verdict::kVoid);
}

// 4000 sessions of 10 s: the share of time in the slow regime has a mean of one half, and the
// number of switches is Poisson with mean 10 s / dwell.
TEST(Regimes, AreStationary) {
  constexpr int nr_sessions = 4000;
  for (const double dwell_s : {0.5, 19.0}) {
    std::mt19937_64 random(23);
    int nr_high = 0;
    int nr_switches = 0;
    for (int session = 0; session < nr_sessions; ++session) {
      Regimes regimes(dwell_s, 10, random);
      double before = regimes(0);
      EXPECT_TRUE(before == Regimes::kLevel || before == 1 / Regimes::kLevel);
      nr_high += before > 1 ? 1 : 0;
      for (int ms = 1; ms < 10000; ++ms) {
        const double now = regimes(ms / 1000.0);
        nr_switches += now == before ? 0 : 1;
        nr_high += now > 1 ? 1 : 0;
        before = now;
      }
    }
    EXPECT_NEAR(nr_high / (nr_sessions * 10000.0), 0.5, 0.03);
    EXPECT_NEAR(nr_switches / (nr_sessions * 10 / dwell_s), 1, 0.1);
  }
}

// A lead-in enters nothing, and neither does a trial that was set apart.
TEST(Replay, LeadInsAndTrialsSetApartDoNotEnter) {
  const auto spoils = [](auto&& is_spoilt) {
    return [i = std::size_t{0}, is_spoilt](ReplayedTrial& trial) mutable {
      if (!is_spoilt(trial, i++)) return;
      trial.latency_ns *= 1000;
      trial.apart = !leads_in(i - 1);
    };
  };
  const auto recording = constant_recording();
  const auto lead_ins =
      replay(recording, {1, 2, 3},
             spoils([](const ReplayedTrial&, std::size_t i) { return leads_in(i); }));
  EXPECT_EQ(lead_ins.findings.mean.mean, 0);
  const auto apart =
      replay(recording, {1, 2, 3}, spoils([](const ReplayedTrial& trial, std::size_t i) {
               return trial.arm == Arm::kA && i % 20 == 1;
             }));
  EXPECT_EQ(apart.findings.mean.mean, 0);
  EXPECT_GT(apart.findings.apart_share[0], 0);
  EXPECT_EQ(apart.findings.apart_share[1], 0);
}

}  // namespace
}  // namespace tlblab::statistics
