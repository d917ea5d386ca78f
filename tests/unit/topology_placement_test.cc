// SPDX-License-Identifier: GPL-2.0-only
// CPU lists, and the order of CPUs on machines that hwloc makes up for us.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <set>
#include <thread>

#include "user/model/cpu_list.hh"
#include "user/support/error.hh"
#include "user/topology/cpu_topology.hh"
#include "user/topology/placement.hh"

namespace tlblab {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

int same_distance(int, int) { return 10; }

/// Near ones first, every thread.
constexpr Placement kAll{Place::kNear, true};

std::vector<int> range(int first, int last) {
  std::vector<int> cpus(static_cast<std::size_t>(last - first + 1));
  std::iota(cpus.begin(), cpus.end(), first);
  return cpus;
}

/// The Error that parse_cpu_list throws; fails the test if it throws none.
std::string refusal_of(const std::string& text) {
  try {
    parse_cpu_list(text);
  } catch (const Error& error) {
    EXPECT_EQ(error.status(), ExitStatus::kUsage) << text;
    EXPECT_NE(error.advice(), "") << text;
    return error.what();
  }
  ADD_FAILURE() << "accepted: " << text;
  return "";
}

TEST(CpuList, NonsenseIsRefused) {
  for (const char* text : {"", ",", "a", "0,", ",0", "0-", "-1", "0--1", "0 1", "0-1:2", "1e3",
                           "99999999999", "0;1", "0x1"}) {
    EXPECT_THAT(refusal_of(text), HasSubstr("is not a list of CPUs"));
  }
}

TEST(CpuList, RepetitionBackwardsAndAbsentAreToldApart) {
  EXPECT_THAT(refusal_of("0,0"), HasSubstr("CPU 0 stands twice"));
  EXPECT_THAT(refusal_of("0-2,1"), HasSubstr("CPU 1 stands twice"));
  EXPECT_THAT(refusal_of("3-1"), HasSubstr("backwards"));
  EXPECT_THAT(refusal_of("65000"), HasSubstr("CPU 65000 is offline or does not exist"));
}

/// As isolated CPUs are: outside of what the process was started on, but there for who names them.
TEST(CpuList, OneOutsideTheAffinityMayBeNamed) {
  const std::vector<int> allowed = allowed_cpus();
  if (allowed.size() < 2) GTEST_SKIP() << "needs two CPUs to leave one of them out";
  std::vector<int> parsed;
  std::vector<int> after;
  // Affinity is a thread's own: narrowing it here leaves the other tests alone.
  std::thread([&] {
    pin_to_cpu(allowed[0]);
    parsed = parse_cpu_list(std::to_string(allowed[1]));
    after = allowed_cpus();
  }).join();
  EXPECT_THAT(parsed, ElementsAre(allowed[1]));
  EXPECT_THAT(after, ElementsAre(allowed[0])) << "the affinity is put back";
}

TEST(CpuList, KeepsTheOrderAsWritten) {
  std::vector<int> backwards = allowed_cpus();
  std::reverse(backwards.begin(), backwards.end());
  std::string text;
  for (const int cpu : backwards) text += (text.empty() ? "" : ",") + std::to_string(cpu);
  EXPECT_EQ(parse_cpu_list(text), backwards);
}

TEST(CpuList, FormatsRunsAsRanges) {
  EXPECT_EQ(format_cpu_list({}), "");
  EXPECT_EQ(format_cpu_list({7}), "7");
  EXPECT_EQ(format_cpu_list({0, 1, 2, 3, 8}), "0-3,8");
  EXPECT_EQ(format_cpu_list({4, 0, 1, 3, 2}), "4,0-1,3,2");
}

TEST(Placement, EveryCoreOnceBeforeAnySecondThread) {
  // CPUs 0-7: two packages, each with two cores of two threads.
  const CpuTopology machine = CpuTopology::synthetic("pack:2 core:2 pu:2");
  EXPECT_THAT(machine.order({0, 1, 2, 3, 4, 5, 6, 7}, kAll, same_distance),
              ElementsAre(0, 2, 4, 6, 1, 3, 5, 7));
}

TEST(Placement, SharedCacheBeforePackageBeforeMachine) {
  // CPUs 0-7, one thread a core: two packages, each with two L3 of two cores.
  const CpuTopology machine = CpuTopology::synthetic("pack:2 l3:2 core:2 pu:1");
  EXPECT_THAT(machine.order({2, 0, 1, 3, 4, 5, 6, 7}, kAll, same_distance),
              ElementsAre(2, 3, 0, 1, 4, 5, 6, 7));
}

TEST(Placement, FarNodesByTheirDistance) {
  const CpuTopology machine = CpuTopology::synthetic("pack:3 core:1 pu:1");
  const auto distance = [](int, int cpu) { return cpu == 1 ? 30 : 20; };
  EXPECT_THAT(machine.order({0, 1, 2}, kAll, distance), ElementsAre(0, 2, 1));
}

TEST(Placement, OnlyAllowedCpusTakePart) {
  const CpuTopology machine = CpuTopology::synthetic("pack:1 core:4 pu:2");
  // CPU 3 is the only allowed thread of its core: it is a first thread, then.
  EXPECT_THAT(machine.order({0, 1, 3}, kAll, same_distance), ElementsAre(0, 3, 1));
  EXPECT_THAT(machine.order({5}, kAll, same_distance), ElementsAre(5));
}

TEST(Placement, CpusThatHwlocDoesNotKnowComeLast) {
  const CpuTopology machine = CpuTopology::synthetic("pack:1 core:2 pu:1");
  EXPECT_THAT(machine.order({0, 1, 100}, kAll, same_distance), ElementsAre(0, 1, 100));
  EXPECT_THAT(machine.order({100, 0, 1}, kAll, same_distance), ElementsAre(100, 0, 1));
}

TEST(Placement, ThisMachineUsesEveryAllowedCpuOnce) {
  std::vector<int> order = placement_order(kAll);
  std::sort(order.begin(), order.end());
  EXPECT_EQ(order, allowed_cpus());
}

/// 2 packages of 64 cores of 2 threads: CPUs 2n and 2n+1 are one core's, as hwloc numbers them.
TEST(Placement, TwoBigPackages) {
  const CpuTopology machine = CpuTopology::synthetic("pack:2 l3:8 core:8 pu:2");
  const std::vector<int> all = range(0, 255);
  const std::vector<int> near = machine.order(all, {Place::kNear, false}, same_distance);
  ASSERT_EQ(near.size(), 128U) << "one thread of each core";
  for (std::size_t i = 1; i < near.size(); ++i) EXPECT_EQ(near[i] % 2, 0);
  EXPECT_THAT(std::vector<int>(near.begin(), near.begin() + 4), ElementsAre(0, 2, 4, 6));
  EXPECT_EQ(machine.distance(0, near[7]), "same L3 cache");
  EXPECT_EQ(machine.distance(0, near[8]), "same package");
  EXPECT_EQ(machine.distance(0, near[64]), "other package");
  const std::vector<int> far = machine.order(all, {Place::kFar, false}, same_distance);
  EXPECT_THAT(std::vector<int>(far.begin(), far.begin() + 3), ElementsAre(0, 128, 130));
  EXPECT_EQ(machine.distance(0, far.back()), "same L3 cache");
  // The other package, then an L3 of its own each, and so on.
  const std::vector<int> spread = machine.order(all, {Place::kSpread, false}, same_distance);
  EXPECT_THAT(std::vector<int>(spread.begin(), spread.begin() + 4), ElementsAre(0, 128, 16, 32));
  std::set<int> caches;
  for (int i = 0; i < 16; ++i) caches.insert(spread[static_cast<std::size_t>(i)] / 16);
  EXPECT_EQ(caches.size(), 16U);
  EXPECT_EQ(machine.order(all, {Place::kFar, true}, same_distance).size(), 256U);
}

TEST(Placement, BigAndLittleCores) {
  const CpuTopology machine =
      CpuTopology::synthetic("pack:1 l2:2 core:4 pu:1", {{0, 1, 2, 3}, {4, 5, 6, 7}});
  EXPECT_THAT(machine.most_capable(range(0, 7)), ElementsAre(4, 5, 6, 7));
  EXPECT_THAT(machine.order({5, 0, 1, 2, 3, 4, 6, 7}, {}, same_distance),
              ElementsAre(5, 4, 6, 7, 0, 1, 2, 3));
  EXPECT_THAT(machine.order({5, 0, 1, 2, 3, 4, 6, 7}, {Place::kFar, false}, same_distance),
              ElementsAre(5, 0, 1, 2, 3, 4, 6, 7));
}

/// Cores of two threads and cores of one, all under one cache: kinds keep small counts alike.
TEST(Placement, PerformanceAndEfficiencyCores) {
  const CpuTopology machine = CpuTopology::synthetic("pack:1 l3:1 core:6 pu:2",
                                                     {{6, 8, 10}, {0, 1, 2, 3, 4, 5}}, {7, 9, 11});
  const std::vector<int> all = {0, 1, 2, 3, 4, 5, 6, 8, 10};
  EXPECT_THAT(machine.most_capable(all), ElementsAre(0, 1, 2, 3, 4, 5));
  EXPECT_THAT(machine.order(all, {}, same_distance), ElementsAre(0, 2, 4, 6, 8, 10));
  EXPECT_THAT(machine.order(all, kAll, same_distance), ElementsAre(0, 2, 4, 6, 8, 10, 1, 3, 5));
  EXPECT_GT(machine.kind(0), machine.kind(6));
}

/// 2 sockets, each a node of 64 cores of 2 threads, 8 cores to a cache.
TEST(Distance, OfTwoSocketsTimes64CoresTimesTwoThreads) {
  const CpuTopology machine = CpuTopology::synthetic("pack:2 [numa] l3:8 core:8 pu:2");
  EXPECT_EQ(machine.distance(0, 1), "same core");
  EXPECT_EQ(machine.distance(0, 2), "same L3 cache");
  EXPECT_EQ(machine.distance(0, 16), "same package");
  EXPECT_EQ(machine.distance(0, 128), "other node");
  EXPECT_EQ(machine.distance(0, 256), "unknown");
  const std::vector<int> order = machine.order(range(0, 255), kAll, same_distance);
  EXPECT_EQ(
      distance_facts(distances(machine, order)),
      (std::vector<Fact>{
          {"CPUs 2,4,6,8,10,12,14", "same L3 cache"},
          {"CPUs " + format_cpu_list(std::vector<int>(order.begin() + 8, order.begin() + 64)),
           "same package"},
          {"CPUs " + format_cpu_list(std::vector<int>(order.begin() + 64, order.begin() + 128)),
           "other node"},
          {"CPUs 1", "same core"},
          {"CPUs 3,5,7,9,11,13,15", "same L3 cache"},
          {"CPUs " + format_cpu_list(std::vector<int>(order.begin() + 136, order.begin() + 192)),
           "same package"},
          {"CPUs " + format_cpu_list(std::vector<int>(order.begin() + 192, order.end())),
           "other node"}}));
}

TEST(Distance, PackagesThatShareANodeAndNodesThatShareAPackage) {
  EXPECT_EQ(CpuTopology::synthetic("pack:2 core:2 pu:1").distance(0, 2), "other package");
  const CpuTopology clusters = CpuTopology::synthetic("pack:2 [numa] l3:2 [numa] core:2 pu:1");
  EXPECT_EQ(clusters.distance(0, 1), "same L3 cache");
  const CpuTopology divided = CpuTopology::synthetic("pack:2 die:2 [numa] core:2 pu:1");
  EXPECT_EQ(divided.distance(0, 2), "same package (other node)");
  EXPECT_EQ(divided.distance(0, 4), "other node");
}

TEST(Distance, OfBigAndLittleCores) {
  const CpuTopology machine =
      CpuTopology::synthetic("pack:1 l3:1 l2:2 core:4 pu:1", {{0, 1, 2, 3}, {4, 5, 6, 7}});
  EXPECT_EQ(machine.distance(4, 5), "same L2 cache");
  EXPECT_EQ(machine.distance(4, 0), "same L3 cache (other kind of core)");
  EXPECT_EQ(distance_facts(distances(machine, {5, 4, 6, 7, 0, 1})),
            (std::vector<Fact>{{"CPUs 4,6-7", "same L2 cache"},
                               {"CPUs 0-1", "same L3 cache (other kind of core)"}}));
}

TEST(Placement, TheOnlyCoresThreadsRespondToEachOther) {
  const CpuTopology machine = CpuTopology::synthetic("pack:1 core:1 pu:2");
  EXPECT_THAT(machine.order({0, 1}, {}, same_distance), ElementsAre(0, 1));
  EXPECT_EQ(machine.distance(0, 1), "same core");
  EXPECT_EQ(machine.kind(0), -1);
}

TEST(Placement, TheInitiatorIsNotWhereDevicesInterrupt) {
  const std::string text =
      "            CPU0       CPU1       CPU3\n"
      "   1:       9000          1          0   IO-APIC   1-edge      i8042\n"
      "  24:       1000        200        300   PCI-MSI 0-edge      virtio\n"
      " LOC:          1     999999     999999   Local timer interrupts\n";
  const auto interrupts = device_interrupts(text);
  EXPECT_EQ(interrupts, (std::map<int, std::uint64_t>{{0, 10000}, {1, 201}, {3, 300}}));
  EXPECT_EQ(choose_initiator({0, 1, 3}, interrupts), 1);
  EXPECT_EQ(choose_initiator({1, 3}, interrupts), 1) << "none of them plainly serves the devices";
  EXPECT_EQ(choose_initiator({0}, interrupts), 0);
  EXPECT_EQ(choose_initiator({0, 1}, device_interrupts("")), 0);
}

TEST(Placement, SiblingsOfACore) {
  const CpuTopology machine = CpuTopology::synthetic("pack:1 core:2 pu:2");
  EXPECT_THAT(machine.core_siblings(3), ElementsAre(2, 3));
  EXPECT_THAT(machine.core_siblings(100), ElementsAre(100));
}

TEST(Pinning, ThreadRunsWhereItWasPut) {
  for (const int cpu : allowed_cpus()) {
    int ran_on = -1;
    std::thread([cpu, &ran_on] {
      pin_to_cpu(cpu);
      ran_on = ::sched_getcpu();
    }).join();
    EXPECT_EQ(ran_on, cpu);
  }
}

TEST(Pinning, ImpossibleCpuIsAMachineError) {
  for (const int cpu : {-1, 65000, 2147483647}) {
    try {
      pin_to_cpu(cpu);
      ADD_FAILURE() << "pinned to CPU " << cpu;
    } catch (const Error& error) {
      EXPECT_EQ(error.status(), ExitStatus::kMachine);
    }
  }
}

}  // namespace
}  // namespace tlblab
