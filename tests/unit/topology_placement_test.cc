// SPDX-License-Identifier: GPL-2.0-only
// CPU lists, and the order of CPUs on machines that hwloc makes up for us.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>

#include <algorithm>
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

TEST(CpuList, OneThatIsForbiddenIsNotCalledOffline) {
  const std::vector<int> allowed = allowed_cpus();
  if (allowed.size() < 2) GTEST_SKIP() << "needs two CPUs to forbid one of them";
  std::string said;
  // Affinity is a thread's own: narrowing it here leaves the other tests alone.
  std::thread([&] {
    pin_to_cpu(allowed[0]);
    said = refusal_of(std::to_string(allowed[1]));
  }).join();
  EXPECT_EQ(said, "CPU " + std::to_string(allowed[1]) + " may not be used by this process");
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
  EXPECT_THAT(machine.order_by_nearness({0, 1, 2, 3, 4, 5, 6, 7}, same_distance),
              ElementsAre(0, 2, 4, 6, 1, 3, 5, 7));
}

TEST(Placement, SharedCacheBeforePackageBeforeMachine) {
  // CPUs 0-7, one thread a core: two packages, each with two L3 of two cores.
  const CpuTopology machine = CpuTopology::synthetic("pack:2 l3:2 core:2 pu:1");
  EXPECT_THAT(machine.order_by_nearness({2, 0, 1, 3, 4, 5, 6, 7}, same_distance),
              ElementsAre(2, 3, 0, 1, 4, 5, 6, 7));
}

TEST(Placement, FarNodesByTheirDistance) {
  const CpuTopology machine = CpuTopology::synthetic("pack:3 core:1 pu:1");
  const auto distance = [](int, int cpu) { return cpu == 1 ? 30 : 20; };
  EXPECT_THAT(machine.order_by_nearness({0, 1, 2}, distance), ElementsAre(0, 2, 1));
}

TEST(Placement, OnlyAllowedCpusTakePart) {
  const CpuTopology machine = CpuTopology::synthetic("pack:1 core:4 pu:2");
  // CPU 3 is the only allowed thread of its core: it is a first thread, then.
  EXPECT_THAT(machine.order_by_nearness({0, 1, 3}, same_distance), ElementsAre(0, 3, 1));
  EXPECT_THAT(machine.order_by_nearness({5}, same_distance), ElementsAre(5));
}

TEST(Placement, CpusThatHwlocDoesNotKnowComeLast) {
  const CpuTopology machine = CpuTopology::synthetic("pack:1 core:2 pu:1");
  EXPECT_THAT(machine.order_by_nearness({0, 1, 100}, same_distance), ElementsAre(0, 1, 100));
  EXPECT_THAT(machine.order_by_nearness({100, 0, 1}, same_distance), ElementsAre(100, 0, 1));
}

TEST(Placement, ThisMachineUsesEveryAllowedCpuOnce) {
  std::vector<int> order = placement_order();
  EXPECT_EQ(order.front(), allowed_cpus().front());
  std::sort(order.begin(), order.end());
  EXPECT_EQ(order, allowed_cpus());
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
