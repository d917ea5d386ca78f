// SPDX-License-Identifier: GPL-2.0-only
// Blocks: the schedule is what the standard's seed_seq says, balanced and fresh; medians are
// medians.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <string>

#include "user/statistics/blocks.hh"

namespace tlblab::statistics {
namespace {

using testing::DoubleEq;
using testing::ElementsAre;

double median(std::vector<double> values) { return median_in_place(values); }

/// One letter per quad, 'a' for ABBA and 'b' for BAAB; '?' for anything else.
std::string quads(const std::array<Arm, kTrialsPerBlock>& schedule) {
  std::string text;
  for (std::size_t i = 0; i < schedule.size(); i += 4) {
    const bool mirrored = schedule[i] == schedule[i + 3] && schedule[i + 1] == schedule[i + 2];
    const bool both = schedule[i] != schedule[i + 1];
    text += !(mirrored && both) ? '?' : schedule[i] == Arm::kA ? 'a' : 'b';
  }
  return text;
}

TEST(Median, OddEvenOneNone) {
  EXPECT_EQ(median({9, 1, 5}), 5);
  EXPECT_EQ(median({9, 1, 5, 6}), 5.5);
  EXPECT_EQ(median({7, 7, 1, 7}), 7);
  EXPECT_EQ(median({3}), 3);
  EXPECT_TRUE(std::isnan(median({})));
}

// Worked out apart from this code, from the definition of seed_seq in the C++ standard, so that a
// resumed run goes on with the same schedule on another machine.
TEST(Schedule, IsFixedForeverForASeed) {
  EXPECT_EQ(quads(block_schedule(1, 0, 0, 0)), "abbaaabbbabbabaa");
  EXPECT_EQ(quads(block_schedule(1, 0, 0, 1)), "abbbaabbabbabbba");
  EXPECT_EQ(quads(block_schedule(42, 7, 3, 1000)), "abaaabbbbaabaabb");
  EXPECT_EQ(quads(block_schedule(0x123456789abcdef0, 1, 2, 3)), "aaaabbbabbaaaaab");
}

TEST(Schedule, EachArgumentMatters) {
  const std::uint64_t high = std::uint64_t{1} << 32U;
  std::set<std::string> seen;
  for (const auto& [seed, cell, session, block] :
       std::vector<std::array<std::uint64_t, 4>>{{5, 0, 0, 0},
                                                 {6, 0, 0, 0},
                                                 {5, 1, 0, 0},
                                                 {5, 0, 1, 0},
                                                 {5, 0, 0, 1},
                                                 {5 + high, 0, 0, 0},
                                                 {5, high, 0, 0},
                                                 {5, 0, high, 0},
                                                 {5, 0, 0, high}}) {
    seen.insert(quads(block_schedule(seed, cell, session, block)));
  }
  EXPECT_EQ(seen.size(), 9);
}

TEST(Schedule, EachArmHasHalfOfEachQuad) {
  for (std::uint64_t block = 0; block < 500; ++block) {
    const auto schedule = block_schedule(3, 1, 4, block);
    EXPECT_EQ(quads(schedule).find('?'), std::string::npos);
    EXPECT_EQ(std::count(schedule.begin(), schedule.end(), Arm::kA), kTrialsPerArm);
  }
}

// 4096 fair bits have a standard deviation of 32 heads; five of them allow for the number of looks.
TEST(Schedule, QuadsAreFairAndIndependent) {
  constexpr int nr_blocks = 4096;
  std::array<int, kQuadsPerBlock> heads{};
  std::array<int, kQuadsPerBlock> same_as_block_before{};
  std::array<int, kQuadsPerBlock> same_as_quad_before{};
  std::string before = quads(block_schedule(9, 2, 6, nr_blocks));
  for (std::uint64_t block = 0; block < nr_blocks; ++block) {
    const std::string now = quads(block_schedule(9, 2, 6, block));
    for (std::size_t quad = 0; quad < kQuadsPerBlock; ++quad) {
      heads[quad] += now[quad] == 'a' ? 1 : 0;
      same_as_block_before[quad] += now[quad] == before[quad] ? 1 : 0;
      same_as_quad_before[quad] += now[quad] == now[(quad + 1) % kQuadsPerBlock] ? 1 : 0;
    }
    before = now;
  }
  for (std::size_t quad = 0; quad < kQuadsPerBlock; ++quad) {
    EXPECT_NEAR(heads[quad], nr_blocks / 2.0, 160);
    EXPECT_NEAR(same_as_block_before[quad], nr_blocks / 2.0, 160);
    EXPECT_NEAR(same_as_quad_before[quad], nr_blocks / 2.0, 160);
  }
}

/// `nr_a` trials of A at `a_ns` and `nr_b` of B at `b_ns`, alternating while both last.
struct Trials {
  Trials(std::size_t nr_a, double a_ns, std::size_t nr_b, double b_ns) {
    for (std::size_t i = 0; i < std::max(nr_a, nr_b); ++i) {
      if (i < nr_a) arms.push_back(Arm::kA), latency_ns.push_back(a_ns);
      if (i < nr_b) arms.push_back(Arm::kB), latency_ns.push_back(b_ns);
    }
  }
  std::vector<Arm> arms;
  std::vector<double> latency_ns;
};

TEST(BlockMedians, EachArmFromItsOwnTrials) {
  Trials trials(32, 200, 32, 40);
  trials.latency_ns[0] = 1e9;  // one trial of A, an outlier: a median does not move
  const auto medians = block_medians(trials.arms, trials.latency_ns);
  ASSERT_TRUE(medians);
  EXPECT_EQ(medians->a, 200);
  EXPECT_EQ(medians->b, 40);
}

TEST(BlockMedians, ABlockNeedsEnoughOfBothArms) {
  const Trials enough(kMinTrialsPerArm, 200, 32, 40);
  EXPECT_TRUE(block_medians(enough.arms, enough.latency_ns));
  const Trials few_a(kMinTrialsPerArm - 1, 200, 32, 40);
  EXPECT_FALSE(block_medians(few_a.arms, few_a.latency_ns));
  const Trials few_b(32, 200, kMinTrialsPerArm - 1, 40);
  EXPECT_FALSE(block_medians(few_b.arms, few_b.latency_ns));
  EXPECT_FALSE(block_medians({}, {}));
}

// Latencies have the cost of an empty window taken off, so they can come out as zero.
TEST(BlockMedians, AMedianThatIsNotPositiveHasNoRatio) {
  const Trials zero(32, 0, 32, 40);
  EXPECT_FALSE(block_medians(zero.arms, zero.latency_ns));
}

TEST(BlockMedians, LogRatiosAndDifferences) {
  const std::vector<BlockMedians> blocks{{200, 100}, {50, 100}, {70, 70}};
  EXPECT_THAT(log_ratios(blocks),
              ElementsAre(DoubleEq(std::log(2)), DoubleEq(-std::log(2)), DoubleEq(0)));
  EXPECT_THAT(differences(blocks), ElementsAre(100, -50, 0));
}

}  // namespace
}  // namespace tlblab::statistics
