// SPDX-License-Identifier: GPL-2.0-only
// Stopping: on width or time, at few looks, and whatever the effect is.
#include <gtest/gtest.h>

#include <vector>

#include "user/statistics/stopping.hh"

namespace tlblab::statistics {
namespace {

/// An estimate whose relative 95 % half-width is about 2 SE.
SeriesEstimate estimate_of(double mean, double se) {
  SeriesEstimate estimate;
  estimate.nr_values = 64;
  estimate.mean = mean;
  estimate.se = se;
  estimate.dof = 31;
  return estimate;
}
SeriesEstimate narrow() { return estimate_of(0, 0.01); }
SeriesEstimate wide() { return estimate_of(0, 0.02); }

TEST(StopperLooks, AreTheDoublingsOf64) {
  std::vector<std::size_t> looks;
  for (std::size_t n = 0; n <= 2048; ++n) {
    if (is_look(n)) looks.push_back(n);
  }
  EXPECT_EQ(looks, (std::vector<std::size_t>{64, 128, 256, 512, 1024, 2048}));
}

TEST(Stopper, AsksForTheEstimateOnlyAtLooks) {
  Stopper stopper({0.03, 5, 1000});
  std::vector<std::size_t> asked;
  for (std::size_t n = 1; n <= 300; ++n) {
    stopper.after_block(n, 0.01 * static_cast<double>(n), [&] {
      asked.push_back(n);
      return wide();
    });
  }
  EXPECT_EQ(asked, (std::vector<std::size_t>{64, 128, 256}));
}

TEST(Stopper, WidthWaitsForTheMinimumTime) {
  Stopper stopper({0.03, 5, 10});
  EXPECT_EQ(stopper.after_block(64, 1.0, narrow), StopReason::kContinue);
  EXPECT_EQ(stopper.after_block(65, 4.99, narrow), StopReason::kContinue);
  EXPECT_EQ(stopper.after_block(66, 5.0, narrow), StopReason::kWidth);
}

TEST(Stopper, WidthBetweenLooksIsNotSeen) {
  Stopper stopper({0.03, 5, 10});
  EXPECT_EQ(stopper.after_block(64, 1.0, wide), StopReason::kContinue);
  EXPECT_EQ(stopper.after_block(100, 6.0, narrow), StopReason::kContinue);
  EXPECT_EQ(stopper.after_block(128, 7.0, narrow), StopReason::kWidth);
}

TEST(Stopper, TheLatestLookCounts) {
  Stopper stopper({0.03, 5, 10});
  EXPECT_EQ(stopper.after_block(64, 1.0, narrow), StopReason::kContinue);
  EXPECT_EQ(stopper.after_block(128, 2.0, wide), StopReason::kContinue);
  EXPECT_EQ(stopper.after_block(129, 6.0, narrow), StopReason::kContinue);
  EXPECT_EQ(stopper.after_block(130, 10.0, narrow), StopReason::kTime);
}

TEST(Stopper, TimeEndsACellWithoutALook) {
  Stopper stopper({0.03, 5, 10});
  EXPECT_EQ(stopper.after_block(3, 9.9, narrow), StopReason::kContinue);
  EXPECT_EQ(stopper.after_block(3, 10.0, narrow), StopReason::kTime);
}

// The width asked for is relative: exp(h) - 1. With h = 0.03 exactly that is 3.05 %.
TEST(Stopper, WidthIsRelative) {
  const double per_se = estimate_of(0, 1).half_width(0.95);
  Stopper in_logs({0.03, 0, 10});
  EXPECT_EQ(in_logs.after_block(64, 1, [&] { return estimate_of(0, 0.03 / per_se); }),
            StopReason::kContinue);
  Stopper relative({0.0305, 0, 10});
  EXPECT_EQ(relative.after_block(64, 1, [&] { return estimate_of(0, 0.03 / per_se); }),
            StopReason::kWidth);
}

TEST(Stopper, SignificanceIsNoReason) {
  Stopper stopper({0.03, 0, 10});
  const auto certain_but_wide = [] { return estimate_of(2, 0.02); };
  ASSERT_LT(certain_but_wide().p_value(0), 1e-12);
  EXPECT_EQ(stopper.after_block(64, 1, certain_but_wide), StopReason::kContinue);
  EXPECT_EQ(stopper.after_block(128, 2, certain_but_wide), StopReason::kContinue);
}

TEST(Stopper, ReasonsHaveNames) {
  EXPECT_EQ(name(StopReason::kContinue), "continue");
  EXPECT_EQ(name(StopReason::kWidth), "width");
  EXPECT_EQ(name(StopReason::kTime), "time");
}

}  // namespace
}  // namespace tlblab::statistics
