// SPDX-License-Identifier: GPL-2.0-only
// Sessions: t over their means by hand, what makes one count, and of what they may speak.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "user/statistics/sessions.hh"

namespace tlblab::statistics {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// Sessions that count, `gap_s` apart.
std::vector<Session> sessions(const std::vector<double>& means, double gap_s = 172) {
  std::vector<Session> all;
  for (const double mean : means) {
    all.push_back({mean, gap_s * static_cast<double>(all.size()), 5, kMinBlocks});
  }
  return all;
}

SessionsEstimate estimate(const std::vector<double>& means, double gap_s = 172) {
  return across_sessions(sessions(means, gap_s));
}

// 4 1 5 2 3: mean 3, s^2 = 2.5, r = -0.8 (products of neighbours: -2, -4, -2, 0), so nothing is
// inflated; SE = sqrt(0.5); t(.975, 4) = 2.77645; p of t = 3/sqrt(0.5) is 0.0132356.
TEST(AcrossSessions, ByHand) {
  const auto found = estimate({4, 1, 5, 2, 3});
  EXPECT_EQ(found.nr_sessions, 5U);
  EXPECT_DOUBLE_EQ(found.mean, 3);
  EXPECT_DOUBLE_EQ(found.se, std::sqrt(0.5));
  EXPECT_EQ(found.min, 1);
  EXPECT_EQ(found.max, 5);
  EXPECT_NEAR(found.half_width(0.95), 2.7764451052 * std::sqrt(0.5), 1e-9);
  EXPECT_NEAR(found.p_value(0), 0.0132355996, 1e-9);
  EXPECT_EQ(found.p_value(3), 1);
  // The next one: s sqrt(1 + 1/5) = sqrt(3).
  EXPECT_NEAR(found.prediction_half_width(0.95), 2.7764451052 * std::sqrt(3.0), 1e-9);
}

// 1 1 1 1 2 2 2 2: deviations of a half, r = (3 - 1 + 3)/8 = 0.625, corrected 0.625 + 2.875/8 =
// 0.984, capped at 0.85: phi = 12.3, at most n/3. SE = s sqrt(1/3), two degrees of freedom, for
// which t(.975) = 4.30265.
TEST(AcrossSessions, SessionsThatResembleTheirNeighboursAreFewer) {
  const auto found = estimate({1, 1, 1, 1, 2, 2, 2, 2});
  EXPECT_NEAR(found.rho, 0.984375, 1e-12);
  EXPECT_DOUBLE_EQ(found.dof, 2);
  EXPECT_DOUBLE_EQ(found.se, std::sqrt(2.0 / 7) * std::sqrt(1.0 / 3));
  EXPECT_NEAR(found.half_width(0.95), 4.3026527297 * found.se, 1e-8);
  EXPECT_LT(found.half_width(0.95), found.prediction_half_width(0.95));
}

TEST(AcrossSessions, AreTakenInTheOrderOfTheirStarts) {
  auto all = sessions({1, 1, 1, 1, 2, 2, 2, 2});
  std::swap(all[0], all[5]);
  std::swap(all[2], all[7]);
  EXPECT_NEAR(across_sessions(all).rho, 0.984375, 1e-12);
}

TEST(AcrossSessions, FewerThanTwoClaimNothing) {
  const auto one = estimate({1.5});
  EXPECT_EQ(one.scope, Scope::kThisSession);
  EXPECT_EQ(one.mean, 1.5);
  EXPECT_EQ(one.min, 1.5);
  EXPECT_EQ(one.max, 1.5);
  EXPECT_EQ(one.se, kInfinity);
  EXPECT_EQ(one.half_width(0.95), kInfinity);
  EXPECT_EQ(one.p_value(0), 1);
  const auto none = estimate({});
  EXPECT_EQ(none.scope, Scope::kNothing);
  EXPECT_EQ(none.nr_sessions, 0U);
  EXPECT_TRUE(std::isnan(none.mean));
  EXPECT_EQ(none.half_width(0.95), kInfinity);
}

TEST(AcrossSessions, ThatAgreeExactly) {
  const auto found = estimate({2, 2, 2});
  EXPECT_EQ(found.half_width(0.95), 0);
  EXPECT_EQ(found.p_value(2), 1);
  EXPECT_EQ(found.p_value(0), 0);
}

TEST(AcrossSessions, ShortOnesDoNotEnter) {
  auto all = sessions({4, 1, 5, 2, 3});
  all.push_back({1000, 5000, 4.99, kMinBlocks});
  all.push_back({1000, 6000, 60, kMinBlocks - 1});
  const auto found = across_sessions(all);
  EXPECT_EQ(found.nr_sessions, 5U);
  EXPECT_DOUBLE_EQ(found.mean, 3);
}

TEST(Scope, TheMachineTakesEightSpreadSessions) {
  const std::vector<double> eight{1, 3, 2, 4, 1, 2, 3, 2};
  EXPECT_EQ(estimate(eight, 172).scope, Scope::kMachine);
  EXPECT_EQ(estimate(eight, 171).scope, Scope::kTheseSessions) << "their starts span 1197 s";
  EXPECT_EQ(estimate({1, 3, 2, 4, 1, 2, 3}, 1000).scope, Scope::kTheseSessions) << "seven";
  auto bunched = sessions(eight, 1000);
  bunched[4].start_s = bunched[3].start_s + 59;
  EXPECT_EQ(across_sessions(bunched).scope, Scope::kTheseSessions) << "two within a minute";
  bunched[4].start_s = bunched[3].start_s + 60;
  EXPECT_EQ(across_sessions(bunched).scope, Scope::kMachine);
  auto with_short = sessions(eight, 172);
  with_short[2].seconds = 4;
  EXPECT_EQ(across_sessions(with_short).scope, Scope::kTheseSessions) << "seven count";
}

// The published recording that made this rule: six of eight at 5.42 to 5.51, two at 5.88 and 6.07.
TEST(Clusters, TheTwoRegimesOfARealMachine) {
  std::vector<double> means;
  for (const double ratio : {5.42, 5.51, 5.88, 5.46, 5.44, 6.07, 5.48, 5.5}) {
    means.push_back(std::log(ratio));
  }
  const auto found = clusters(means, std::log(1.01));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->lower.nr_sessions, 6U);
  EXPECT_EQ(found->upper.nr_sessions, 2U);
  EXPECT_DOUBLE_EQ(found->lower.high, std::log(5.51));
  EXPECT_DOUBLE_EQ(found->upper.low, std::log(5.88));
}

TEST(Clusters, AreNotSeenWhereThereIsNothingBetweenTheMeans) {
  EXPECT_FALSE(clusters(std::vector<double>{1, 2, 3, 4, 5, 6, 7, 8}, 0.01));
  EXPECT_FALSE(clusters(std::vector<double>{1, 1, 1, 1, 1, 1, 1, 9}, 0.01)) << "one is no cluster";
  EXPECT_FALSE(clusters(std::vector<double>{1, 1, 1, 1, 2, 2, 2, 2}, 1.5)) << "too small a gap";
  EXPECT_TRUE(clusters(std::vector<double>{1, 1, 1, 1, 2, 2, 2, 2}, 0.5));
  EXPECT_FALSE(clusters(std::vector<double>{1, 1, 2, 2}, 0.5)) << "too few";
}

}  // namespace
}  // namespace tlblab::statistics
