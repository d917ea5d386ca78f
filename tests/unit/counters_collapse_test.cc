// SPDX-License-Identifier: GPL-2.0-only
// A published count, reproduced in proportion: bench/collapse_bench.cc says which.
#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <thread>

#include "bench/collapse.hh"
#include "user/counters/counters.hh"
#include "user/topology/placement.hh"

namespace tlblab::counters {
namespace {

// What the initiator queues is of its thread: khugepaged and others can't add to it.
TEST(Collapse, SynchronisesWithEveryOtherCpuOnce) {
  const long nr_online = ::sysconf(_SC_NPROCESSORS_ONLN);
  if (nr_online < 2) GTEST_SKIP() << "needs two CPUs";
  Collapsible memory(16 << 20);
  std::string problem;
  Counts counts;
  Counts without;
  std::thread([&] {
    const int cpu = allowed_cpus().front();
    pin_to_cpu(cpu);
    CounterSet counters({.tid = static_cast<pid_t>(::syscall(SYS_gettid)), .cpu = cpu}, {});
    for (const EventStatus& event : counters.status()) {
      if (event.name == "csd_queue.table_sync") problem = event.unavailable;
    }
    if (!problem.empty()) return;
    counters.begin();
    problem = memory.fill();
    counters.end();
    without = counters.counts().at(0);
    if (!problem.empty()) return;
    counters.begin();
    problem = memory.collapse();
    counters.end();
    counts = counters.counts().at(0);
  }).join();
  if (!problem.empty()) GTEST_SKIP() << problem;
  const auto due = memory.nr_regions() * static_cast<std::uint64_t>(nr_online - 1);
  EXPECT_EQ(counts.at("csd_queue.table_sync"), due);
  EXPECT_GE(counts.at("csd_queue"), due);
  EXPECT_EQ(without.at("csd_queue.table_sync"), 0u) << "no table was freed";
}

// The figure of the thread by the same rule: 2 MiB at a time, 64 CPUs.
TEST(Collapse, ExplainsThePublishedCount) {
  constexpr double published = 646'316;
  constexpr double collapses = 20.0 * 1024 / 2;
  EXPECT_NEAR(published / (collapses * (64 - 1)), 1, 0.01);
}

}  // namespace
}  // namespace tlblab::counters
