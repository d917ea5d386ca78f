// SPDX-License-Identifier: GPL-2.0-only
// A histogram of latencies against the sorted list that it stands for.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "user/analysis/latency_histogram.hh"

namespace tlblab {
namespace {

TEST(LatencyHistogram, IsWithinAStepOfTheSortedListAtEveryRank) {
  std::mt19937_64 random(20261130);  // the seed
  std::lognormal_distribution<double> latency(9, 3);
  std::vector<std::uint64_t> values;
  LatencyHistogram histogram;
  for (int i = 0; i < 20'000; ++i) {
    values.push_back(static_cast<std::uint64_t>(latency(random)));
    histogram.add(values.back());
  }
  std::sort(values.begin(), values.end());
  ASSERT_EQ(histogram.size(), values.size());
  ASSERT_LT(values.front(), 4096U) << "both kinds of step are needed";
  ASSERT_GT(values.back(), 100'000'000U);
  for (std::size_t rank = 0; rank < values.size(); rank += 7) {
    const auto value = static_cast<double>(values[rank]);
    EXPECT_LE(std::abs(histogram.at_rank(rank) - value), value / 4096) << rank;
    if (value < 4096) {
      EXPECT_EQ(histogram.at_rank(rank), value);
    }
  }
  EXPECT_EQ(histogram.at_rank(values.size() - 1), static_cast<double>(values.back()));
}

TEST(LatencyHistogram, KnowsTheEdgesOfItsSteps) {
  for (unsigned bit = 10; bit < 63; ++bit) {
    for (const std::uint64_t value :
         {(std::uint64_t{1} << bit) - 1, std::uint64_t{1} << bit, (std::uint64_t{1} << bit) + 1}) {
      LatencyHistogram histogram;
      histogram.add(value);
      histogram.add(~std::uint64_t{0} >> 1U);  // so that the one asked for is not the greatest
      const auto exact = static_cast<double>(value);
      EXPECT_LE(std::abs(histogram.at_rank(0) - exact), exact / 4096) << value;
    }
  }
}

TEST(LatencyHistogram, GivesSharesThatGrowToAll) {
  LatencyHistogram histogram;
  EXPECT_TRUE(histogram.cumulative(5).empty());
  for (const std::uint64_t value : {30, 10, 20, 10, 50'000}) histogram.add(value);
  const auto all = histogram.cumulative(400);
  ASSERT_EQ(all.size(), 5U);
  EXPECT_EQ(all[0], std::pair(10.0, 0.2));
  EXPECT_EQ(all[1], std::pair(10.0, 0.4));
  EXPECT_EQ(all[4], std::pair(50'000.0, 1.0));
  const auto thinned = histogram.cumulative(3);
  ASSERT_EQ(thinned.size(), 3U);
  EXPECT_EQ(thinned[0], std::pair(10.0, 0.2));
  EXPECT_EQ(thinned[1], std::pair(20.0, 0.6));
  EXPECT_EQ(thinned[2], std::pair(50'000.0, 1.0));
}

}  // namespace
}  // namespace tlblab
