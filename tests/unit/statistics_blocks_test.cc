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

constexpr std::size_t kTrialsPerQuad = kTrialsPerRun * kRunsPerQuad;

/// One letter per quad, 'a' for ABBA and 'b' for BAAB, each letter a run; '?' for anything else.
std::string quads(const std::array<Arm, kTrialsPerBlock>& schedule) {
  std::string text;
  for (std::size_t quad = 0; quad < schedule.size(); quad += kTrialsPerQuad) {
    const Arm outer = schedule[quad];
    bool as_it_must = true;
    for (std::size_t i = 0; i < kTrialsPerQuad; ++i) {
      const std::size_t run = i / kTrialsPerRun;
      const bool is_outer = run == 0 || run == kRunsPerQuad - 1;
      as_it_must = as_it_must && (schedule[quad + i] == outer) == is_outer;
    }
    text += !as_it_must ? '?' : outer == Arm::kA ? 'a' : 'b';
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
  EXPECT_EQ(quads(block_schedule(1, 0, 0, 0)), "abba");
  EXPECT_EQ(quads(block_schedule(1, 0, 0, 1)), "abbb");
  EXPECT_EQ(quads(block_schedule(42, 7, 3, 1000)), "abaa");
  EXPECT_EQ(quads(block_schedule(0x123456789abcdef0, 1, 2, 3)), "aaaa");
}

TEST(Schedule, EachArgumentMatters) {
  const std::uint64_t high = std::uint64_t{1} << 32U;
  std::set<std::string> seen;
  for (const auto& [seed, cell, session, block] :
       std::vector<std::array<std::uint64_t, 4>>{{5, 0, 0, 0},
                                                 {6, 0, 0, 0},
                                                 {5, 1, 0, 0},
                                                 {5, 0, 1, 0},
                                                 {5, 0, 0, 1000},
                                                 {5 + high, 0, 0, 0},
                                                 {5, high, 0, 0},
                                                 {5, 0, high, 0},
                                                 {5, 0, 0, high}}) {
    std::string blocks;  // one alone has four bits only
    for (std::uint64_t i = 0; i < 16; ++i) {
      blocks += quads(block_schedule(seed, cell, session, block + i));
    }
    seen.insert(blocks);
  }
  EXPECT_EQ(seen.size(), 9);
}

TEST(Schedule, EachArmHasHalfOfEachQuad) {
  for (std::uint64_t block = 0; block < 500; ++block) {
    const auto schedule = block_schedule(3, 1, 4, block);
    EXPECT_EQ(quads(schedule).find('?'), std::string::npos);
    EXPECT_EQ(std::count(schedule.begin(), schedule.end(), Arm::kA), kTrialsPerBlock / 2);
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

TEST(Schedule, TheFirstOfARunLeadsIn) {
  std::size_t nr_lead_ins = 0;
  const auto schedule = block_schedule(3, 1, 4, 1);
  for (std::size_t i = 0; i < kTrialsPerBlock; ++i) {
    const bool changes_arm = i > 0 && schedule[i] != schedule[i - 1];
    EXPECT_TRUE(leads_in(i) || !changes_arm) << i;
    nr_lead_ins += leads_in(i) ? 1 : 0;
  }
  EXPECT_EQ(nr_lead_ins, kRunsPerBlock);
  EXPECT_EQ(kMeasuredPerBlock, 64);
}

/// `nr_a` trials of A at `a_ns` and `nr_b` of B at `b_ns`, alternating while both last.
std::vector<Measured> trials(std::size_t nr_a, double a_ns, std::size_t nr_b, double b_ns) {
  std::vector<Measured> all;
  for (std::size_t i = 0; i < std::max(nr_a, nr_b); ++i) {
    if (i < nr_a) all.push_back({Arm::kA, a_ns});
    if (i < nr_b) all.push_back({Arm::kB, b_ns});
  }
  return all;
}

/// Sets the first `nr` trials of `arm` apart.
std::vector<Measured> without(std::vector<Measured> all, Arm arm, std::size_t nr) {
  for (Measured& trial : all) {
    if (nr == 0) break;
    if (trial.arm != arm) continue;
    trial.apart = true;
    --nr;
  }
  return all;
}

TEST(BlockFigures, EachArmFromItsOwnTrials) {
  auto all = trials(32, 200, 32, 40);
  all[0].latency_ns = 1e9;  // one trial of A, an outlier: neither figure moves
  const auto figures = block_figures(all);
  ASSERT_TRUE(figures);
  EXPECT_EQ(figures->median.a, 200);
  EXPECT_EQ(figures->median.b, 40);
  EXPECT_EQ(figures->trimmed_mean.a, 200);
  EXPECT_EQ(figures->trimmed_mean.b, 40);
}

// 0 to 31, without three at either end: 3 to 28, whose mean is 15.5. Eight slow ones of 32 leave
// the median alone and move the mean: 24 at 10 less three, and eight at 100 less three.
TEST(BlockFigures, TheMeanLeavesOutATenthAtEitherEnd) {
  auto all = trials(32, 10, 32, 10);
  double value = 0;
  for (Measured& trial : all) {
    if (trial.arm == Arm::kA) trial.latency_ns = 1 + value++;
  }
  EXPECT_EQ(block_figures(all)->trimmed_mean.a, 16.5);
  std::size_t nr_slow = 8;
  for (Measured& trial : all) {
    if (trial.arm == Arm::kB && nr_slow > 0) trial.latency_ns = 100, --nr_slow;
  }
  EXPECT_EQ(block_figures(all)->median.b, 10);
  EXPECT_DOUBLE_EQ(block_figures(all)->trimmed_mean.b, (21 * 10 + 5 * 100) / 26.0);
}

TEST(BlockFigures, ABlockNeedsEnoughOfBothArms) {
  for (const Arm arm : {Arm::kA, Arm::kB}) {
    EXPECT_TRUE(block_figures(without(trials(32, 200, 32, 40), arm, 8)));
    EXPECT_FALSE(block_figures(without(trials(32, 200, 32, 40), arm, 9)));
  }
  EXPECT_TRUE(block_figures(trials(kMinTrialsPerArm, 200, 32, 40)));
  EXPECT_FALSE(block_figures(trials(kMinTrialsPerArm - 1, 200, 32, 40)));
  EXPECT_FALSE(block_figures(std::span<const Measured>{}));
}

TEST(BlockFigures, WhatWasSetApartDoesNotEnter) {
  auto all = without(trials(32, 200, 32, 40), Arm::kA, 8);
  for (Measured& trial : all) {
    if (trial.apart) trial.latency_ns = 1;
  }
  EXPECT_EQ(block_figures(all)->trimmed_mean.a, 200);
}

TEST(BlockFigures, LeadInsDoNotEnter) {
  std::vector<Trial> block;
  const auto schedule = block_schedule(1, 0, 0, 0);
  for (std::size_t i = 0; i < schedule.size(); ++i) {
    Trial& trial = block.emplace_back();
    trial.arm = schedule[i];
    trial.state = leads_in(i) ? TrialState::kLeadIn : TrialState::kOk;
    trial.latency_ns = leads_in(i) ? 1'000'000 : trial.arm == Arm::kA ? 200 : 40;
  }
  const auto figures = block_figures(block);
  ASSERT_TRUE(figures);
  EXPECT_EQ(figures->trimmed_mean.a, 200);
  EXPECT_EQ(figures->trimmed_mean.b, 40);
}

// Latencies have the cost of an empty window taken off, so they can come out as zero.
TEST(BlockFigures, AMedianThatIsNotPositiveHasNoRatio) {
  EXPECT_FALSE(block_figures(trials(32, 0, 32, 40)));
}

TEST(BlockFigures, LogRatiosAndDifferences) {
  const std::vector<ArmPair> blocks{{200, 100}, {50, 100}, {70, 70}};
  EXPECT_THAT(log_ratios(blocks),
              ElementsAre(DoubleEq(std::log(2)), DoubleEq(-std::log(2)), DoubleEq(0)));
  EXPECT_THAT(differences(blocks), ElementsAre(100, -50, 0));
}

}  // namespace
}  // namespace tlblab::statistics
