// SPDX-License-Identifier: GPL-2.0-only
// Verdicts: every branch of the rule, Holm's textbook case, and t over sessions by hand.
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
Verdict judge_alone(const SeriesEstimate& estimate) {
  return judge(estimate, estimate.p_value(0), Criteria{});
}

TEST(Judge, Different) {
  EXPECT_EQ(judge_alone(estimate_of(std::log(5), 0.01)), Verdict::kDifferent);
  EXPECT_EQ(judge_alone(estimate_of(-std::log(5), 0.01)), Verdict::kDifferent);
}

TEST(Judge, EquivalentWhenThe90PercentIntervalIsInside) {
  EXPECT_EQ(judge_alone(estimate_of(0, 0.01)), Verdict::kEquivalent);
  // ln 1.05 = 0.04879; 90 % half-width 0.01696, 95 % half-width 0.02040.
  EXPECT_EQ(judge(estimate_of(0.0315, 0.01), 1, {}), Verdict::kEquivalent);
  EXPECT_EQ(judge(estimate_of(-0.0315, 0.01), 1, {}), Verdict::kEquivalent);
  EXPECT_EQ(judge(estimate_of(0.0320, 0.01), 1, {}), Verdict::kInconclusive);
  EXPECT_EQ(judge(estimate_of(-0.0320, 0.01), 1, {}), Verdict::kInconclusive);
}

TEST(Judge, ACertainDifferenceInsideTheBoundIsEquivalent) {
  const auto small = estimate_of(0.02, 0.001);
  ASSERT_LT(small.p_value(0), 1e-12);
  EXPECT_EQ(judge_alone(small), Verdict::kEquivalent);
  EXPECT_EQ(judge(small, small.p_value(0), {.equivalence = 0.01}), Verdict::kDifferent);
}

TEST(Judge, InconclusiveWhenNeitherIsShown) {
  EXPECT_EQ(judge(estimate_of(0.04, 0.014), 0.051, {}), Verdict::kInconclusive);
  EXPECT_EQ(judge(estimate_of(0.04, 0.014), 0.05, {}), Verdict::kDifferent);
  EXPECT_EQ(judge(estimate_of(0.04, 0.014), 0.05, {.alpha = 0.01}), Verdict::kInconclusive);
}

TEST(Judge, UnstableWhenTheWidthIsMissedHoweverLargeTheEffect) {
  // exp(2.04 SE) - 1 is 2.998 % and 3.009 %.
  EXPECT_EQ(judge_alone(estimate_of(std::log(5), 0.014485)), Verdict::kDifferent);
  EXPECT_EQ(judge_alone(estimate_of(std::log(5), 0.014535)), Verdict::kUnstable);
  EXPECT_EQ(judge(estimate_of(std::log(5), 0.014535), 0, {.width = 0.04}), Verdict::kDifferent);
}

TEST(Judge, UnstableWhenNeighboursAgreeTooMuch) {
  EXPECT_EQ(judge_alone(estimate_of(std::log(5), 0.01, 0.40)), Verdict::kDifferent);
  EXPECT_EQ(judge_alone(estimate_of(std::log(5), 0.01, 0.41)), Verdict::kUnstable);
  EXPECT_EQ(judge_alone(estimate_of(0, 0.01, 0.41)), Verdict::kUnstable);
}

TEST(Judge, WhatIsNotANumberIsUnstable) {
  EXPECT_EQ(judge_alone(estimate_of(0, 0.01, kNaN)), Verdict::kUnstable);
  EXPECT_EQ(judge_alone(estimate_series(std::vector<double>(kMinBlocks - 1, 0.5))),
            Verdict::kUnstable);
}

TEST(Judge, OverSessionsTheBoundsAreGiven) {
  const Criteria criteria;
  EXPECT_EQ(judge({.steady = false, .low90 = 0, .high90 = 0, .adjusted_p = 0}, criteria),
            Verdict::kUnstable);
  EXPECT_EQ(judge({.steady = true, .low90 = -0.048, .high90 = 0.048, .adjusted_p = 0}, criteria),
            Verdict::kEquivalent);
  EXPECT_EQ(judge({.steady = true, .low90 = -0.05, .high90 = 0.03, .adjusted_p = 1}, criteria),
            Verdict::kInconclusive);
  EXPECT_EQ(judge({.steady = true, .low90 = 0.03, .high90 = 0.05, .adjusted_p = 0}, criteria),
            Verdict::kDifferent);
}

TEST(VerdictNames, HaveNames) {
  EXPECT_EQ(name(Verdict::kDifferent), "different");
  EXPECT_EQ(name(Verdict::kEquivalent), "equivalent");
  EXPECT_EQ(name(Verdict::kInconclusive), "inconclusive");
  EXPECT_EQ(name(Verdict::kUnstable), "unstable");
  EXPECT_EQ(name(Verdict::kVoid), "void");
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

// 1 .. 5: mean 3, s^2 = 2.5, SE = sqrt(0.5); t(.975, 4) = 2.77645; p of t = 3/sqrt(0.5) is
// 0.0132356.
TEST(AcrossSessions, ByHand) {
  const auto estimate = across_sessions(std::vector<double>{4, 1, 5, 2, 3});
  EXPECT_EQ(estimate.nr_sessions, 5);
  EXPECT_DOUBLE_EQ(estimate.mean, 3);
  EXPECT_DOUBLE_EQ(estimate.se, std::sqrt(0.5));
  EXPECT_EQ(estimate.min, 1);
  EXPECT_EQ(estimate.max, 5);
  EXPECT_NEAR(estimate.half_width(0.95), 2.7764451052 * std::sqrt(0.5), 1e-9);
  EXPECT_NEAR(estimate.p_value(0), 0.0132355996, 1e-9);
  EXPECT_EQ(estimate.p_value(3), 1);
}

// Eight sessions have seven degrees of freedom: t(.975, 7) = 2.36462.
TEST(AcrossSessions, EightByHand) {
  const auto estimate = across_sessions(std::vector<double>{1, 1, 1, 1, 2, 2, 2, 2});
  EXPECT_DOUBLE_EQ(estimate.se, std::sqrt(2.0 / 7 / 8));
  EXPECT_NEAR(estimate.half_width(0.95), 2.3646242510 * std::sqrt(2.0 / 7 / 8), 1e-9);
}

TEST(AcrossSessions, FewerThanTwoClaimNothing) {
  const auto one = across_sessions(std::vector<double>{1.5});
  EXPECT_EQ(one.mean, 1.5);
  EXPECT_EQ(one.min, 1.5);
  EXPECT_EQ(one.max, 1.5);
  EXPECT_EQ(one.se, kInfinity);
  EXPECT_EQ(one.half_width(0.95), kInfinity);
  EXPECT_EQ(one.p_value(0), 1);
  const auto none = across_sessions({});
  EXPECT_EQ(none.nr_sessions, 0);
  EXPECT_TRUE(std::isnan(none.mean));
  EXPECT_EQ(none.half_width(0.95), kInfinity);
}

TEST(AcrossSessions, ThatAgreeExactly) {
  const auto estimate = across_sessions(std::vector<double>{2, 2, 2});
  EXPECT_EQ(estimate.half_width(0.95), 0);
  EXPECT_EQ(estimate.p_value(2), 1);
  EXPECT_EQ(estimate.p_value(0), 0);
}

}  // namespace
}  // namespace tlblab::statistics
