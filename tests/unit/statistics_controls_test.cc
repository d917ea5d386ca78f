// SPDX-License-Identifier: GPL-2.0-only
// Controls: how far they strayed, and which claims stand beside that.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "user/statistics/controls.hh"

namespace tlblab::statistics {
namespace {

Claim claim(double low, double high) { return {(low + high) / 2, {low, high}, {low, high}, 0.001}; }

Evidence evidence(double low, double high) { return {claim(low, high), claim(low, high), 0.001}; }

TEST(Controls, TheFarthestBoundOfAny) {
  const std::vector<Claim> controls{claim(-0.01, 0.02), claim(-0.04, 0.01)};
  EXPECT_DOUBLE_EQ(farthest_stray(controls), 0.04);
  EXPECT_EQ(farthest_stray({}), 0);
  const Claim unknown;
  EXPECT_EQ(farthest_stray(std::span(&unknown, 1)), std::numeric_limits<double>::infinity());
}

TEST(Controls, WhatAVerdictClaims) {
  EXPECT_DOUBLE_EQ(claimed_effect(Verdict::kDifferent, claim(-0.3, -0.1), {}), 0.2);
  EXPECT_DOUBLE_EQ(claimed_effect(Verdict::kEquivalent, claim(0, 0.01), {}), std::log1p(0.05));
  EXPECT_TRUE(std::isinf(claimed_effect(Verdict::kInconclusive, claim(0, 1), {})));
  EXPECT_TRUE(std::isinf(claimed_effect(Verdict::kVoid, claim(0, 1), {})));
}

TEST(Controls, InsideAThirdOfTheSmallestEffectEverythingStands) {
  EXPECT_TRUE(stands(Verdict::kDifferent, evidence(0.01, 0.05), 0.0199, 0.06, {}));
  EXPECT_FALSE(stands(Verdict::kDifferent, evidence(0.01, 0.05), 0.0201, 0.06, {}));
}

TEST(Controls, ElseADifferenceMustClearThem) {
  EXPECT_TRUE(stands(Verdict::kDifferent, evidence(0.05, 0.07), 0.04, 0.06, {}));
  EXPECT_TRUE(stands(Verdict::kDifferent, evidence(-0.07, -0.05), 0.04, 0.06, {}));
  EXPECT_FALSE(stands(Verdict::kDifferent, evidence(0.03, 0.09), 0.04, 0.06, {}));
}

TEST(Controls, ElseEquivalenceMustHoldWithThemAdded) {
  EXPECT_TRUE(stands(Verdict::kEquivalent, evidence(-0.01, 0.01), 0.03, 0.04, {}));
  EXPECT_FALSE(stands(Verdict::kEquivalent, evidence(-0.01, 0.02), 0.03, 0.04, {}));
  EXPECT_TRUE(stands(Verdict::kInconclusive, evidence(-1, 1), 0.5, 0.04, {})) << "claims nothing";
}

}  // namespace
}  // namespace tlblab::statistics
