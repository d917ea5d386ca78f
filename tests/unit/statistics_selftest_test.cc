// SPDX-License-Identifier: GPL-2.0-only
// The self-test on a synthetic recording: production holds, bugs are noticed, bad input is refused.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "user/statistics/selftest.hh"
#include "user/support/error.hh"

namespace tlblab::statistics {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

/// Latencies around 100 us with 5 % of noise, correlated over some three trials, at the slowest
/// pace that can be replayed: a self-test's time grows with the pace.
Recording ar1_recording() {
  Recording recording{"ar1, seed 31", {}, 1100};
  std::mt19937_64 random(31);
  const auto unit = [&] { return static_cast<double>((random() >> 11U) + 1) * 0x1p-53; };
  double state = 0;
  for (int i = 0; i < 12000; ++i) {
    const double normal = std::sqrt(-2 * std::log(unit())) * std::cos(6.283185307179586 * unit());
    state = 0.7 * state + std::sqrt(1 - 0.7 * 0.7) * normal;
    recording.latency_ns.push_back(1e5 * std::exp(0.05 * state));
  }
  return recording;
}

TEST(CheckTally, RateAndItsMonteCarloError) {
  Tally tally;
  for (int i = 0; i < 100; ++i) tally.add(i < 10);
  EXPECT_DOUBLE_EQ(tally.rate(), 0.10);
  EXPECT_DOUBLE_EQ(tally.mc_error(), std::sqrt(12.0 / 104 * 92 / 104 / 104));
}

TEST(CheckTally, NothingSeenIsNotCertainty) {
  const Tally none{0, 100};
  EXPECT_EQ(none.rate(), 0);
  EXPECT_DOUBLE_EQ(none.mc_error(), std::sqrt(2.0 / 104 * 102 / 104 / 104));
}

// 30 of 1000 have a standard error of 0.55 %: two of them reach from 1.9 % to 4.1 %.
TEST(CheckLimit, IsHeldOrBrokenOnlyBeyondTheMonteCarloError) {
  const Tally low{30, 1000};
  const Tally high{970, 1000};
  using enum Limit::Kind;
  const auto outcome = [](const Limit& limit, const Tally& tally) {
    return std::pair(limit.held(tally), limit.broken(tally));
  };
  EXPECT_EQ(outcome({kAtMost, 0.050}, low), std::pair(true, false));
  EXPECT_EQ(outcome({kAtMost, 0.038}, low), std::pair(false, false));
  EXPECT_EQ(outcome({kAtMost, 0.022}, low), std::pair(false, false));
  EXPECT_EQ(outcome({kAtMost, 0.015}, low), std::pair(false, true));
  EXPECT_EQ(outcome({kAtLeast, 0.950}, high), std::pair(true, false));
  EXPECT_EQ(outcome({kAtLeast, 0.962}, high), std::pair(false, false));
  EXPECT_EQ(outcome({kAtLeast, 0.978}, high), std::pair(false, false));
  EXPECT_EQ(outcome({kAtLeast, 0.985}, high), std::pair(false, true));
  EXPECT_EQ((Limit{kAtMost, 0.05}.text()), "at most 5 %");
  EXPECT_EQ((Limit{kAtLeast, 0.85}.text()), "at least 85 %");
}

TEST(Selftest, ProductionHoldsAndEveryMutantIsNoticed) {
  double latest = 0;
  const auto results = run_selftest(ar1_recording(), {.seed = 1, .nr_replays = 1600},
                                    [&](std::string_view, double fraction) {
                                      EXPECT_GE(fraction, latest);
                                      latest = fraction;
                                    });
  EXPECT_EQ(latest, 1);
  std::size_t nr_mutants = 0;
  for (const CheckResult& check : results) {
    SCOPED_TRACE(check.name + ": " + std::to_string(check.rate) + ", " + check.detail);
    EXPECT_FALSE(check.broken);
    if (check.name == "A/A: false verdicts" || check.name == "planted 5 %: covered" ||
        check.name.starts_with("regimes")) {
      EXPECT_TRUE(check.pass);
    }
    if (check.name.starts_with("mutant")) {
      ++nr_mutants;
      EXPECT_TRUE(check.pass);
      EXPECT_THAT(check.detail, StartsWith("noticed by "));
    }
  }
  EXPECT_EQ(nr_mutants, mutants().size());
}

// A "mutant" without a bug shows what happens to one that the checks can't see.
TEST(Selftest, AMutantThatIsNotNoticedFails) {
  const auto results = run_selftest(
      ar1_recording(), {.seed = 1, .nr_replays = kMinReplays, .bugs = {{"twin", Method{}}}}, {});
  EXPECT_EQ(results.back().name, "mutant twin");
  EXPECT_FALSE(results.back().pass);
  EXPECT_TRUE(std::isnan(results.back().rate));
}

TEST(Selftest, SameSeedSameSessionsWhateverTheMethod) {
  const Recording recording = ar1_recording();
  const auto rates = [&](std::uint64_t seed) {
    std::vector<double> all;
    for (const Suite& suite : suites(recording, seed)) {
      for (const auto& check : suite.run(Method{}, 64, {})) all.push_back(check.rate);
    }
    return all;
  };
  EXPECT_EQ(rates(1), rates(1));
  EXPECT_NE(rates(1), rates(2));
}

TEST(Selftest, ProgressMayGiveUp) {
  struct Enough {};
  EXPECT_THROW(run_selftest(ar1_recording(), {.nr_replays = kMinReplays},
                            [](std::string_view, double) { throw Enough(); }),
               Enough);
}

std::string refusal(const Recording& recording) {
  try {
    suites(recording, 1);
  } catch (const Error& error) {
    EXPECT_EQ(error.status(), ExitStatus::kUsage);
    EXPECT_FALSE(error.advice().empty());
    return error.what();
  }
  return "accepted";
}

TEST(Selftest, RefusesWhatCannotBeReplayed) {
  const Recording good = ar1_recording();
  EXPECT_EQ(refusal(good), "accepted");
  Recording bad = good;
  bad.latency_ns.resize(10239);
  EXPECT_THAT(refusal(bad), HasSubstr("10239 trials"));
  bad = good;
  bad.trials_per_second = 1023;
  EXPECT_THAT(refusal(bad), HasSubstr("1023 trials per second"));
  bad.trials_per_second = std::numeric_limits<double>::quiet_NaN();
  EXPECT_THAT(refusal(bad), HasSubstr("trials per second"));
  for (const double value : {0.0, -1.0, std::numeric_limits<double>::infinity(),
                             std::numeric_limits<double>::quiet_NaN()}) {
    bad = good;
    bad.latency_ns[77] = value;
    EXPECT_THAT(refusal(bad), HasSubstr("not a positive number"));
  }
  EXPECT_THROW(run_selftest(good, {.nr_replays = kMinReplays - 1}, {}), Error);
}

}  // namespace
}  // namespace tlblab::statistics
