// SPDX-License-Identifier: GPL-2.0-only
// From counts to words: bounds against figures worked out by hand, each verdict, each reason.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "user/analysis/check_verdict.hh"
#include "user/oracle/witness.hh"
#include "user/statistics/bounds.hh"

namespace tlblab {
namespace {

using testing::HasSubstr;

oracle::WitnessReport present(int cpu, std::uint64_t eligible) {
  return {cpu, true, true, eligible, {}};
}

oracle::WitnessReport with(oracle::WitnessReport report, Observation observation,
                           std::uint64_t reads) {
  report.reads[static_cast<std::size_t>(observation)] = reads;
  return report;
}

CheckCounts counts_of(const std::vector<std::vector<oracle::WitnessReport>>& rounds) {
  CheckCounts counts;
  for (const auto& round : rounds) oracle::add_round(counts, round);
  return counts;
}

TEST(Bounds, WithNothingSeenAreNearTheRuleOfThree) {
  EXPECT_NEAR(statistics::upper_bound_95(0, 1), 0.95, 1e-12);
  EXPECT_NEAR(statistics::upper_bound_95(0, 2), 1 - std::sqrt(0.05), 1e-12);
  EXPECT_NEAR(statistics::upper_bound_95(0, 59), 0.04951, 1e-5);
  EXPECT_NEAR(statistics::upper_bound_95(0, 100), 0.02951, 1e-5);
  EXPECT_NEAR(statistics::upper_bound_95(0, 1'000'000), 2.9957e-6, 1e-9);
}

/// At the bound, seeing no more (no fewer) than was seen has a chance of 5 %.
TEST(Bounds, WithSomethingSeenSolveTheBinomialTail) {
  const double up = statistics::upper_bound_95(1, 10);
  EXPECT_NEAR(up, 0.3942, 1e-4);
  EXPECT_NEAR(std::pow(1 - up, 10) + 10 * up * std::pow(1 - up, 9), 0.05, 1e-9);
  EXPECT_NEAR(statistics::lower_bound_95(1, 10), 1 - std::pow(0.95, 0.1), 1e-12);
  EXPECT_NEAR(statistics::lower_bound_95(12, 12), std::pow(0.05, 1.0 / 12), 1e-12);
}

TEST(Bounds, WithoutTrialsSayNothing) {
  EXPECT_EQ(statistics::upper_bound_95(0, 0), 1);
  EXPECT_EQ(statistics::lower_bound_95(0, 0), 0);
  EXPECT_EQ(statistics::upper_bound_95(5, 5), 1);
  EXPECT_EQ(statistics::lower_bound_95(0, 5), 0);
}

TEST(CheckVerdicts, NoneSeenCountsReadsOfWitnessedRoundsOnly) {
  const CheckCounts counts = counts_of({{present(1, 10), present(2, 5)},
                                        {present(1, 7), {2, true, false, 4, {}}},
                                        {present(1, 1), present(2, 2)}});
  EXPECT_EQ(counts.rounds, 3u);
  EXPECT_EQ(counts.witnessed, 2u);
  EXPECT_EQ(counts.eligible_reads, 18u);
  const CheckVerdict verdict = judge(counts);
  EXPECT_EQ(verdict.outcome, Outcome::kNoneSeen);
  EXPECT_EQ(words(verdict, counts), "none seen in 18 eligible reads");
  EXPECT_NEAR(round_bound_95(counts), 1 - std::sqrt(0.05), 1e-12);
}

TEST(CheckVerdicts, ALeakCountsInAnyRound) {
  // Even in one that another witness missed.
  const CheckCounts counts =
      counts_of({{with(present(1, 10), Observation::kReleased, 3), {2, false, false, 0, {}}},
                 {present(1, 9)}});
  const CheckVerdict verdict = judge(counts);
  EXPECT_EQ(verdict.outcome, Outcome::kLeak);
  EXPECT_EQ(words(verdict, counts), "LEAK in 1 of 2 rounds");
  EXPECT_EQ(counts.reads[static_cast<std::size_t>(Observation::kReleased)], 3u);
}

TEST(CheckVerdicts, ForeignDataIsALeakToo) {
  const CheckCounts counts = counts_of({{with(present(1, 10), Observation::kForeign, 1)}});
  EXPECT_EQ(judge(counts).outcome, Outcome::kLeak);
}

TEST(CheckVerdicts, AReadAfterReturnIsAViolationOfItsOwn) {
  const CheckCounts counts = counts_of({{with(present(1, 10), Observation::kAfterReturn, 1)}});
  const CheckVerdict verdict = judge(counts);
  EXPECT_EQ(verdict.outcome, Outcome::kReadAfterReturn);
  EXPECT_EQ(words(verdict, counts), "READ AFTER RETURN in 1 of 1 rounds");
  EXPECT_TRUE(is_violation(verdict.outcome));
}

TEST(CheckVerdicts, AStaleWriteIsAViolation) {
  CheckCounts counts = counts_of({{present(1, 10)}});
  counts.stale_writes = 2;
  EXPECT_EQ(judge(counts).outcome, Outcome::kStaleWrite);
  EXPECT_EQ(words(judge(counts), counts), "STALE WRITE to 2 frames");
  EXPECT_TRUE(is_violation(Outcome::kStaleWrite));
}

TEST(CheckVerdicts, WitnessesThatWereNotThereAreInconclusive) {
  const oracle::WitnessReport idle{2, true, false, 0, {}};
  CheckVerdict verdict = judge(counts_of({{present(1, 9), idle}, {present(1, 9), idle}}));
  EXPECT_EQ(verdict.outcome, Outcome::kInconclusive);
  EXPECT_EQ(verdict.reason, "the witness on CPU 2 read nothing while a call ran in 2 of 2 rounds");
  EXPECT_FALSE(is_violation(verdict.outcome));

  const oracle::WitnessReport untouched{3, false, true, 5, {}};
  verdict = judge(counts_of({{present(1, 9), untouched}}));
  EXPECT_EQ(verdict.outcome, Outcome::kInconclusive);
  EXPECT_THAT(verdict.reason, HasSubstr("the witness on CPU 3 had not read every page in 1 of 1"));

  // By turns: no one witness is to blame.
  const oracle::WitnessReport away{1, true, false, 0, {}};
  verdict = judge(counts_of({{present(1, 9), idle}, {away, present(2, 9)}}));
  EXPECT_EQ(verdict.outcome, Outcome::kInconclusive);
  EXPECT_EQ(verdict.reason, "one witness or another was not there in 2 of 2 rounds");
}

TEST(CheckVerdicts, NothingPlayedIsInconclusive) {
  EXPECT_EQ(judge({}).outcome, Outcome::kInconclusive);
  CheckCounts counts;
  counts.not_run = "2 CPUs leave none to witness";
  EXPECT_EQ(judge(counts).reason, counts.not_run);
  EXPECT_EQ(judge(counts_of({{}})).reason, "there was no witness");
  // Witnesses that read nothing after the call began.
  EXPECT_EQ(judge(counts_of({{present(1, 0)}})).outcome, Outcome::kInconclusive);
}

}  // namespace
}  // namespace tlblab
