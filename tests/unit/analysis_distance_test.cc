// SPDX-License-Identifier: GPL-2.0-only
// How far a cell's responders are, on machines that hwloc makes up for us.
#include <gtest/gtest.h>

#include <numeric>

#include "user/analysis/distance.hh"
#include "user/topology/placement.hh"

namespace tlblab {
namespace {

int same_distance(int, int) { return 10; }

/// In words, of so many responders among `cpus`, on `machine`.
std::string words(const CpuTopology& machine, const std::vector<int>& cpus,
                  unsigned nr_responders) {
  CellPlan plan;
  plan.nr_responders = nr_responders;
  return distance_words(responder_distances(plan, cpus, distances(machine, cpus)));
}

std::vector<int> all(std::size_t nr_cpus) {
  std::vector<int> cpus(nr_cpus);
  std::iota(cpus.begin(), cpus.end(), 0);
  return cpus;
}

TEST(ResponderDistance, OnTwoSocketsTimes64CoresTimesTwoThreads) {
  const CpuTopology machine = CpuTopology::synthetic("pack:2 [numa] l3:8 core:8 pu:2");
  const std::vector<int> near = machine.order(all(256), {Place::kNear, true}, same_distance);
  EXPECT_EQ(words(machine, near, 0), "no responder");
  EXPECT_EQ(words(machine, near, 1), "same L3 cache");
  EXPECT_EQ(words(machine, near, 63), "7 same L3 cache, 56 same package");
  EXPECT_EQ(words(machine, near, 127), "7 same L3 cache, 56 same package, 64 other node");
  EXPECT_EQ(words(machine, near, 255),
            "14 same L3 cache, 112 same package, 128 other node, 1 same core");
  const std::vector<int> far = machine.order(all(256), {Place::kFar, false}, same_distance);
  EXPECT_EQ(words(machine, far, 64), "other node");
  EXPECT_EQ(words(machine, far, 65), "64 other node, 1 same package");
  const std::vector<int> spread = machine.order(all(256), {Place::kSpread, false}, same_distance);
  EXPECT_EQ(words(machine, spread, 2), "1 other node, 1 same package");
}

TEST(ResponderDistance, OnBigAndLittleCores) {
  const CpuTopology machine =
      CpuTopology::synthetic("pack:1 l3:1 l2:2 core:4 pu:1", {{0, 1, 2, 3}, {4, 5, 6, 7}});
  EXPECT_EQ(words(machine, {4, 5, 6, 7, 0, 1}, 3), "same L2 cache");
  EXPECT_EQ(words(machine, {4, 5, 6, 7, 0, 1}, 5),
            "3 same L2 cache, 2 same L3 cache (other kind of core)");
}

TEST(ResponderDistance, WhatTheFileDoesNotHoldIsUnknown) {
  CellPlan plan;
  plan.nr_responders = 2;
  EXPECT_EQ(distance_words(responder_distances(plan, {0, 1, 2}, {})), "unknown");
  const std::vector<CpuDistance> one{{2, "same core"}};
  EXPECT_EQ(distance_words(responder_distances(plan, {0, 1, 2}, one)), "1 unknown, 1 same core");
  EXPECT_EQ(distance_words(responder_distances(plan, {0}, one)), "unknown") << "a damaged plan";
}

TEST(ResponderDistance, OnlyWhatAllRunsSayAlikeIsKnown) {
  records::RunHeader first;
  first.distances = {{1, "same core"}, {2, "other node"}, {3, "other node"}};
  records::RunHeader later;
  later.distances = {{1, "same core"}, {2, "same package"}};
  EXPECT_EQ(recorded_distances(first, {}), first.distances);
  EXPECT_EQ(recorded_distances(first, std::span(&first, 1)), first.distances);
  EXPECT_EQ(recorded_distances(first, std::span(&later, 1)),
            (std::vector<CpuDistance>{{1, "same core"}}));
}

}  // namespace
}  // namespace tlblab
