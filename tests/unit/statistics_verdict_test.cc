// SPDX-License-Identifier: GPL-2.0-only
// Verdicts: every branch of the rule, and Holm's textbook case.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "user/statistics/verdict.hh"

namespace tlblab::statistics {
namespace {

using testing::DoubleEq;
using testing::ElementsAre;

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

/// 31 degrees of freedom: half-widths are 2.04 SE at 95 % and 1.70 SE at 90 %.
SeriesEstimate estimate_of(double mean, double se, double rho = 0) {
  SeriesEstimate estimate;
  estimate.nr_values = 64;
  estimate.mean = mean;
  estimate.se = se;
  estimate.rho = rho;
  estimate.dof = 31;
  return estimate;
}
/// As the only cell of a study, whose mean says the same as its median.
Verdict judge_alone(const SeriesEstimate& estimate, const Criteria& criteria = {}) {
  const Claim claim = claim_of(estimate, state_of(estimate, criteria.width));
  return judge({claim, claim, claim.p_value}, criteria);
}
Verdict judge_with(const SeriesEstimate& estimate, double adjusted_p,
                   const Criteria& criteria = {}) {
  const Claim claim = claim_of(estimate, state_of(estimate, criteria.width));
  return judge({claim, claim, adjusted_p}, criteria);
}

TEST(Judge, Different) {
  EXPECT_EQ(judge_alone(estimate_of(std::log(5), 0.01)), Verdict::kDifferent);
  EXPECT_EQ(judge_alone(estimate_of(-std::log(5), 0.01)), Verdict::kDifferent);
}

TEST(Judge, EquivalentWhenThe90PercentIntervalIsInside) {
  EXPECT_EQ(judge_alone(estimate_of(0, 0.01)), Verdict::kEquivalent);
  // ln 1.05 = 0.04879; 90 % half-width 0.01696, 95 % half-width 0.02040.
  EXPECT_EQ(judge_with(estimate_of(0.0315, 0.01), 1), Verdict::kEquivalent);
  EXPECT_EQ(judge_with(estimate_of(-0.0315, 0.01), 1), Verdict::kEquivalent);
  EXPECT_EQ(judge_with(estimate_of(0.0320, 0.01), 1), Verdict::kInconclusive);
  EXPECT_EQ(judge_with(estimate_of(-0.0320, 0.01), 1), Verdict::kInconclusive);
}

TEST(Judge, EquivalenceIsOfTheMeanToo) {
  const Claim same = claim_of(estimate_of(0, 0.01), State::kSteady);
  const Claim slower = claim_of(estimate_of(0.1, 0.01), State::kSteady);
  EXPECT_EQ(judge({same, same, 1}, {}), Verdict::kEquivalent);
  EXPECT_EQ(judge({same, slower, 1}, {}), Verdict::kInconclusive);
  EXPECT_EQ(judge({slower, same, 0}, {}), Verdict::kDifferent);
}

TEST(Judge, ACertainDifferenceInsideTheBoundIsEquivalent) {
  const auto small = estimate_of(0.02, 0.001);
  ASSERT_LT(small.p_value(0), 1e-12);
  EXPECT_EQ(judge_alone(small), Verdict::kEquivalent);
  EXPECT_EQ(judge_alone(small, {.equivalence = 0.01}), Verdict::kDifferent);
}

TEST(Judge, InconclusiveWhenNeitherIsShown) {
  EXPECT_EQ(judge_with(estimate_of(0.04, 0.014), 0.051), Verdict::kInconclusive);
  EXPECT_EQ(judge_with(estimate_of(0.04, 0.014), 0.05), Verdict::kDifferent);
  EXPECT_EQ(judge_with(estimate_of(0.04, 0.014), 0.05, {.alpha = 0.01}), Verdict::kInconclusive);
}

TEST(StateOf, WandersWhenTheWidthIsMissedOrNeighboursAgree) {
  // exp(2.04 SE) - 1 is 2.998 % and 3.009 %.
  EXPECT_EQ(state_of(estimate_of(std::log(5), 0.014485), 0.03), State::kSteady);
  EXPECT_EQ(state_of(estimate_of(std::log(5), 0.014535), 0.03), State::kWandering);
  EXPECT_EQ(state_of(estimate_of(0, 0.01, 0.40), 0.03), State::kSteady);
  EXPECT_EQ(state_of(estimate_of(0, 0.01, 0.41), 0.03), State::kWandering);
  EXPECT_EQ(state_of(estimate_of(0, 0.01, kNaN), 0.03), State::kWandering);
}

// What wanders has a word like any other, from the range of its batches.
TEST(ClaimOf, WhatWandersReachesAsFarAsItsBatches) {
  SeriesEstimate estimate = estimate_of(std::log(11), 0.002, 0.8);
  estimate.batch_low = std::log(10);
  estimate.batch_high = std::log(12);
  const Claim claim = claim_of(estimate, State::kWandering);
  EXPECT_EQ(claim.at95.low, std::log(10));
  EXPECT_EQ(claim.at95.high, std::log(12));
  EXPECT_EQ(claim.at90.low, std::log(10));
  EXPECT_EQ(judge({claim, claim, claim.p_value}, {}), Verdict::kDifferent);

  estimate.batch_low = -0.01;  // it straddled 1, however small its p
  EXPECT_EQ(judge_alone(estimate), Verdict::kInconclusive);

  estimate.batch_low = std::log(11);  // the interval where that is wider
  estimate.batch_high = std::log(11);
  EXPECT_NEAR(claim_of(estimate, State::kWandering).at95.low, std::log(11) - 2.04 * 0.002, 1e-4);
}

TEST(ClaimOf, WithTooFewBlocksClaimsNothing) {
  const auto few = estimate_series(std::vector<double>(kMinBlocks - 1, 0.5));
  EXPECT_EQ(judge_alone(few), Verdict::kInconclusive);
  EXPECT_EQ(claim_of(few, State::kWandering).at95.high, kInfinity);
}

TEST(ApartVoids, ByShareOrByDifference) {
  EXPECT_FALSE(apart_voids({0.25, 0.25}, 0));
  EXPECT_TRUE(apart_voids({0.26, 0.25}, 0));
  EXPECT_FALSE(apart_voids({0.05, 0.0}, 0));
  EXPECT_TRUE(apart_voids({0.051, 0.0}, 0));
  EXPECT_TRUE(apart_voids({0.0, 0.051}, 0));
}

// 2 % at one length is 18.3 % at ten times that.
TEST(ApartVoids, ALongerWindowIsMetMoreOften) {
  const double ten_times = std::log(10);
  EXPECT_FALSE(apart_voids({0.23, 0.02}, ten_times));
  EXPECT_TRUE(apart_voids({0.24, 0.02}, ten_times));
  EXPECT_TRUE(apart_voids({0.02, 0.23}, ten_times)) << "the shorter one has no such excuse";
  EXPECT_FALSE(apart_voids({0.02, 0.23}, -ten_times));
  EXPECT_TRUE(apart_voids({0.051, 0.0}, ten_times)) << "ten times nothing";
  EXPECT_TRUE(apart_voids({0.051, 0.0}, kNaN));
}

TEST(VerdictNames, HaveNames) {
  EXPECT_EQ(name(Verdict::kDifferent), "different");
  EXPECT_EQ(name(Verdict::kEquivalent), "equivalent");
  EXPECT_EQ(name(Verdict::kInconclusive), "inconclusive");
  EXPECT_EQ(name(Verdict::kVoid), "void");
  EXPECT_EQ(name(State::kSteady), "steady");
  EXPECT_EQ(name(State::kWandering), "wandering");
}

TEST(SmallestDetectable, IsTwoPointEightStandardErrors) {
  EXPECT_DOUBLE_EQ(smallest_detectable(0.01), 0.028);
  EXPECT_EQ(smallest_detectable(estimate_series({}).se), kInfinity);
}

// The textbook case: 4 x 0.005, 3 x 0.01, 2 x 0.03, 1 x 0.04 raised to the one before it.
TEST(Holm, TextbookCase) {
  const std::vector<double> p{0.01, 0.04, 0.03, 0.005};
  EXPECT_THAT(holm(p), ElementsAre(DoubleEq(0.03), DoubleEq(0.06), DoubleEq(0.06), DoubleEq(0.02)));
}

TEST(Holm, CapsAtOneAndKeepsTies) {
  EXPECT_THAT(holm(std::vector<double>{0.6, 0.5, 1.0}), ElementsAre(1, 1, 1));
  EXPECT_THAT(holm(std::vector<double>{0.02, 0.02}), ElementsAre(DoubleEq(0.04), DoubleEq(0.04)));
  EXPECT_THAT(holm(std::vector<double>{0.03}), ElementsAre(DoubleEq(0.03)));
  EXPECT_TRUE(holm({}).empty());
}

}  // namespace
}  // namespace tlblab::statistics
